"""The reconciler's list of what to look at: each key at most once, failing ones later and later."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

#: Seconds before a failed key is looked at again: doubled each time up to the last.
FIRST_DELAY, LAST_DELAY = 0.2, 30.0


class Worklist(Generic[K]):
    """A deduplicating queue with delays. A key that is added while it is worked on is worked on once more."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._queued: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}

    def add(self, key: K, delay: float = 0.0) -> None:
        """Look at `key` soon, or after `delay` seconds; an earlier time wins over a later one."""
        if delay > 0:
            timer = self._timers.get(key)
            when = asyncio.get_running_loop().time() + delay
            if timer is None or timer.when() > when:
                if timer is not None:
                    timer.cancel()
                self._timers[key] = asyncio.get_running_loop().call_later(delay, self._due, key)
            return
        if key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def take(self) -> K:
        """The next key. From here on, adding it again queues it again."""
        key = await self._ready.get()
        self._queued.discard(key)
        return key

    def failed(self, key: K) -> float:
        """Try `key` again later; returns the delay."""
        number = self._failures.get(key, 0)
        self._failures[key] = number + 1
        delay: float = min(FIRST_DELAY * 2**number, LAST_DELAY)
        self.add(key, delay)
        return delay

    def succeeded(self, key: K) -> None:
        self._failures.pop(key, None)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

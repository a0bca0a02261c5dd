"""Who waits for what, in memory: the daemon's own wake-up calls.

The bus carries no data. It says that something about a key changed; the waiter reads the truth from the database or the blob
store. So nothing is lost or repeated when a stream breaks and resumes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

#: Key of the event log as a whole.
EVENTS = "events"


class Bus:
    """Wake-ups by key. All methods run on the daemon's loop."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, set[asyncio.Future[None]]] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """True when the daemon is leaving: streams end."""
        return self._closed

    def notify(self, key: Hashable) -> None:
        for future in self._waiting.pop(key, ()):
            if not future.done():
                future.set_result(None)

    def close(self) -> None:
        self._closed = True
        for key in list(self._waiting):
            self.notify(key)

    async def changed(self, *keys: Hashable, timeout: float) -> bool:
        """Wait until one of the keys is notified; False after `timeout` seconds.

        Ask before reading the state: `listen` first when a change between reading and waiting must not be missed.
        """
        return await self.listen(*keys).wait(timeout)

    def listen(self, *keys: Hashable) -> Listening:
        """Start listening now; a notification from here on ends the later `wait` at once."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for key in keys:
            self._waiting.setdefault(key, set()).add(future)
        if self._closed:
            future.set_result(None)
        return Listening(self, keys, future)

    def _forget(self, keys: tuple[Hashable, ...], future: asyncio.Future[None]) -> None:
        for key in keys:
            waiters = self._waiting.get(key)
            if waiters is not None:
                waiters.discard(future)
                if not waiters:
                    del self._waiting[key]


class Listening:
    """One registration on the bus."""

    def __init__(self, bus: Bus, keys: tuple[Hashable, ...], future: asyncio.Future[None]) -> None:
        self._bus, self._keys, self._future = bus, keys, future

    async def wait(self, timeout: float) -> bool:
        """True when notified since `listen`, False after `timeout` seconds."""
        try:
            # Not `wait_for`: up to Python 3.11 that loses a cancellation which comes with the notification.
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._future)
        except TimeoutError:
            return False
        finally:
            self._bus._forget(self._keys, self._future)
        return True

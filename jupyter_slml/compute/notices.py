"""What travels of an attempt that runs: little, and not often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from jupyter_slml.compute.supervisor import Emit, Message

#: At most so often does the latest value of the metrics, or the number of the last log chunk, travel.
NOTICE = 0.5


class Notices:
    """`tell(kind)` emits what `make(kind)` gives, at once or when the last notice of that kind is `NOTICE` seconds old."""

    def __init__(self, emit: Emit, make: Callable[[str], Message]) -> None:
        self._emit = emit
        self._make = make
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._told: dict[str, float] = {}

    def tell(self, kind: str) -> None:
        if kind not in self._due:
            wait = self._told.get(kind, -NOTICE) + NOTICE - time.monotonic()
            self._due[kind] = asyncio.get_running_loop().call_later(max(0.0, wait), self._say, kind)

    def close(self) -> None:
        for timer in self._due.values():
            timer.cancel()

    def _say(self, kind: str) -> None:
        del self._due[kind]
        self._told[kind] = time.monotonic()
        self._emit(self._make(kind))

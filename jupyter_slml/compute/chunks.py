"""JSON lines on their way to numbered chunks in the blob store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import orjson

from jupyter_slml.errors import SlmlError
from jupyter_slml.ports.blobs import Blobs, attempt_key

#: A chunk is written when so many bytes wait, or after a delay that begins short and grows.
FULL = 64 * 1024
FIRST_DELAY = 0.1
LONGEST_DELAY = 1.0
#: A flood makes larger chunks, so that a long log is no thousands of them: so many bytes more after each.
GROWTH = 16 * 1024
LARGEST = 1024 * 1024
#: With so many bytes waiting for the store, the pipe is not read: the cell waits in its print.
CROWDED = 2 * LARGEST
#: Between tries to store a chunk; None ends them, and the chunk is lost.
PAUSES = (0.2, 1.0, 5.0, None)


class Chunks:
    """`attempts/<attempt>/<leaf>/<sequence>.jsonl`. Memory stays bounded if the caller awaits `room()` between lines."""

    def __init__(
        self, blobs: Blobs, attempt: str, leaf: str, stored: Callable[[int], None], *, longest: float = LONGEST_DELAY
    ) -> None:
        self._blobs = blobs
        self._attempt = attempt
        self._leaf = leaf
        self._stored = stored
        self._lines: list[bytes] = []
        self._size = 0
        self._sequence = 0
        #: Seconds that a line may wait for others, now and at most.
        self._delay, self._longest = min(FIRST_DELAY, longest), longest
        self._closing = False
        self._enough = FULL
        #: Bytes that the store did not take.
        self.refused = 0
        self._fresh = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._task = asyncio.create_task(self._write(), name=f"{leaf}-{attempt}")

    @property
    def sequence(self) -> int:
        """Number of the last chunk in the store; 0 before the first."""
        return self._sequence

    @property
    def crowded(self) -> bool:
        return not self._room.is_set()

    def add(self, line: dict[str, Any]) -> None:
        try:
            data = orjson.dumps(line) + b"\n"
        except TypeError:
            # Half a surrogate pair, in the name of a metric.
            data = json.dumps(line).encode() + b"\n"
        self._lines.append(data)
        self._size += len(data)
        self._fresh.set()
        if self._size >= self._enough:
            self._full.set()
        if self._size >= CROWDED:
            self._room.clear()

    async def room(self) -> None:
        await self._room.wait()

    async def close(self) -> None:
        """Write the rest. What the store refused is lost; that is no reason to fail an attempt."""
        self._closing = True
        self._fresh.set()
        self._full.set()
        await self._task

    async def _write(self) -> None:
        while True:
            await self._fresh.wait()
            if not self._closing and self._size < self._enough:
                await self._rest()
            self._fresh.clear()
            self._full.clear()
            data, self._lines, self._size = b"".join(self._lines), [], 0
            if data:
                if len(data) >= self._enough:
                    self._enough = min(self._enough + GROWTH, LARGEST)
                await self._put(data)
            self._room.set()
            if self._closing:
                if not self._lines:
                    return
                self._fresh.set()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._delay):
                await self._full.wait()
        except TimeoutError:
            self._delay = min(self._delay * 1.5, self._longest)

    async def _put(self, data: bytes) -> None:
        key = attempt_key(self._attempt, f"{self._leaf}/{self._sequence + 1:08d}.jsonl")
        for pause in PAUSES:
            try:
                await asyncio.to_thread(self._blobs.put, key, data)
            except SlmlError:
                if pause is None:
                    self.refused += len(data)
                    return
                await asyncio.sleep(pause)
            else:
                self._sequence += 1
                self._stored(self._sequence)
                return

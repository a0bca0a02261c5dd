"""JSON lines on their way from a pipe to numbered chunks in the blob store."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
import time
from collections.abc import Callable
from typing import Any

from jupyter_slml.errors import SlmlError
from jupyter_slml.ports.blobs import Blobs, attempt_key

#: A chunk is written when so many bytes wait, or after a delay that begins short and grows.
FULL = 64 * 1024
FIRST_DELAY = 0.1
LONGEST_DELAY = 1.0
#: With so many bytes waiting for the store, the pipe is not read: the cell waits in its print.
CROWDED = 1024 * 1024


class Chunks:
    """`attempts/<attempt>/<leaf>/<sequence>.jsonl`. Memory stays bounded if the caller awaits `room()` between lines."""

    def __init__(self, blobs: Blobs, attempt: str, leaf: str, stored: Callable[[int], None]) -> None:
        self._blobs = blobs
        self._attempt = attempt
        self._leaf = leaf
        self._stored = stored
        self._lines: list[bytes] = []
        self._size = 0
        self._sequence = 0
        self._delay = FIRST_DELAY
        self._closing = False
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
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        self._lines.append(data)
        self._size += len(data)
        self._fresh.set()
        if self._size >= FULL:
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
            if not self._closing and self._size < FULL:
                await self._rest()
            self._fresh.clear()
            self._full.clear()
            data, self._lines, self._size = b"".join(self._lines), [], 0
            if data:
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
            self._delay = min(self._delay * 1.5, LONGEST_DELAY)

    async def _put(self, data: bytes) -> None:
        key = attempt_key(self._attempt, f"{self._leaf}/{self._sequence + 1:08d}.jsonl")
        for pause in (0.2, 1.0, 5.0, None):
            try:
                await asyncio.to_thread(self._blobs.put, key, data)
            except SlmlError:
                if pause is None:
                    return
                await asyncio.sleep(pause)
            else:
                self._sequence += 1
                self._stored(self._sequence)
                return


class OutputPipe(asyncio.Protocol):
    """One standard stream of a child: pipe → decoded text → chunk lines."""

    def __init__(self, chunks: Chunks, stream: str) -> None:
        self._chunks = chunks
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._transport: asyncio.ReadTransport | None = None
        self._waiting: asyncio.Task[None] | None = None
        #: Done when every process that could write has gone.
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, fd: int, chunks: Chunks, stream: str) -> OutputPipe:
        """Read `fd` to its end; takes it over."""
        loop = asyncio.get_running_loop()
        file = os.fdopen(fd, "rb", buffering=0)
        _, protocol = await loop.connect_read_pipe(lambda: cls(chunks, stream), file)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._add(self._decoder.decode(data))
        if self._chunks.crowded and self._transport is not None:
            self._transport.pause_reading()
            self._waiting = asyncio.create_task(self._resume(self._transport))

    async def _resume(self, transport: asyncio.ReadTransport) -> None:
        await self._chunks.room()
        if not transport.is_closing():
            transport.resume_reading()

    def _add(self, text: str) -> None:
        if text:
            self._chunks.add({"t": round(time.time(), 3), "s": self._stream, "x": text})

    def connection_lost(self, exc: Exception | None) -> None:
        self._add(self._decoder.decode(b"", final=True))
        if not self.closed.done():
            self.closed.set_result(None)

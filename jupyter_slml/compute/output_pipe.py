"""The child's standard streams."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import Callable

from jupyter_slml.compute.chunks import Chunks


class OutputPipe(asyncio.Protocol):
    """One standard stream of a child: pipe → decoded text → `hear`. Rests while the store is behind."""

    def __init__(self, hear: Callable[[str], None], chunks: Chunks) -> None:
        self._hear = hear
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._transport: asyncio.ReadTransport | None = None
        self._waiting: asyncio.Task[None] | None = None
        #: Done when every process that could write has gone.
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, fd: int, hear: Callable[[str], None], chunks: Chunks) -> OutputPipe:
        """Read `fd` to its end; takes it over."""
        loop = asyncio.get_running_loop()
        file = os.fdopen(fd, "rb", buffering=0)
        _, protocol = await loop.connect_read_pipe(lambda: cls(hear, chunks), file)
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
            self._hear(text)

    def connection_lost(self, exc: Exception | None) -> None:
        self._add(self._decoder.decode(b"", final=True))
        if not self.closed.done():
            self.closed.set_result(None)

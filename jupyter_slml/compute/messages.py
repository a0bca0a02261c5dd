"""What a child says: JSON lines off its messages pipe."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import orjson

from jupyter_slml.compute.chunks import Chunks

#: One message (a display with a picture in it) may have so many bytes; a longer one is dropped.
LONGEST = 64 * 2**20


class MessagePipe(asyncio.Protocol):
    """Calls `hear` for each message. What is no JSON object is skipped: the cell may have written there itself.

    The pipe rests while `chunks`, into which the metrics go, are behind.
    """

    def __init__(self, hear: Callable[[dict[str, Any]], None], chunks: Chunks) -> None:
        self._hear = hear
        self._chunks = chunks
        self._parts: list[bytes] = []
        self._size = 0
        self._transport: asyncio.ReadTransport | None = None
        self._waiting: asyncio.Task[None] | None = None
        #: Done when every process that could write has gone.
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, fd: int, hear: Callable[[dict[str, Any]], None], chunks: Chunks) -> MessagePipe:
        """Read `fd` to its end; takes it over."""
        file = os.fdopen(fd, "rb", buffering=0)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.connect_read_pipe(lambda: cls(hear, chunks), file)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._keep(line)
            if self._size <= LONGEST:
                self._say(b"".join(self._parts))
            self._parts, self._size = [], 0
        self._keep(rest)
        if self._chunks.crowded and self._transport is not None:
            self._transport.pause_reading()
            self._waiting = asyncio.create_task(self._resume(self._transport))

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= LONGEST:
            self._parts.append(part)
        else:
            self._parts = []

    def _say(self, line: bytes) -> None:
        try:
            message = _decoded(line)
        except ValueError:
            return
        if isinstance(message, dict):
            self._hear(message)

    async def _resume(self, transport: asyncio.ReadTransport) -> None:
        await self._chunks.room()
        if not transport.is_closing():
            transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def _decoded(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        # Half a surrogate pair, for example, in the text of an exception.
        return json.loads(line)

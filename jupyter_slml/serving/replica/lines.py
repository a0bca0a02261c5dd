"""Lines from a pipe, on the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

#: A longer line is cut into pieces of this size: a program that never ends its line does not fill our memory.
LONGEST = 1 << 16


class LineReader(asyncio.Protocol):
    """Calls `hear` with each line, without its end."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._held = b""
        self._ended = asyncio.get_running_loop().create_future()

    @classmethod
    async def read(cls, descriptor: int, hear: Callable[[str], None]) -> None:
        """Take the descriptor over and read it to its end."""
        loop = asyncio.get_running_loop()
        transport, reader = await loop.connect_read_pipe(lambda: cls(hear), os.fdopen(descriptor, "rb", buffering=0))
        try:
            await reader._ended
        finally:
            transport.close()

    def data_received(self, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        if len(self._held) > LONGEST:
            lines.append(self._held)
            self._held = b""
        for line in lines:
            self._hear(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._held:
            self._hear(self._held.decode(errors="replace"))
        if not self._ended.done():
            self._ended.set_result(None)

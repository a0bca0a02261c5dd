"""The log of one attempt: whole up to a limit, then its beginning and its end with a mark between them."""

from __future__ import annotations

import time
from collections import deque

from jupyter_slml.compute.amounts import size_text
from jupyter_slml.compute.chunks import Chunks

#: Characters of an attempt's log that are stored; of what comes after, the last part is kept too.
LIMIT = 256 * 2**20
TAIL = 64 * 1024


class Log:
    """Takes text of both standard streams. A cell may print for ever: memory and store stay bounded."""

    def __init__(self, chunks: Chunks, limit: int = LIMIT) -> None:
        self.chunks = chunks
        self._limit = limit
        self._left = limit
        self._tail: deque[tuple[str, str]] = deque()
        self._tail_size = 0
        self._dropped = 0

    @property
    def full(self) -> bool:
        return self._left <= 0

    def add(self, stream: str, text: str) -> None:
        head, rest = text[: max(0, self._left)], text[max(0, self._left) :]
        if head:
            self._left -= len(head)
            self._write(stream, head)
            if self._left <= 0:
                size = size_text(self._limit)
                self.remark(f"The log has {size}, its limit: of what follows only the last {TAIL >> 10} KiB are kept.")
        if rest:
            self._keep(stream, rest)

    def remark(self, sentence: str) -> None:
        """A line of the platform's own."""
        self._write("err", f"\n[slml] {sentence}\n")

    async def close(self) -> None:
        """Store what is left, with the mark that says how much is not there."""
        if self._dropped:
            self.remark(f"{size_text(self._dropped)} of output were left out here.")
        for stream, text in self._tail:
            self._write(stream, text)
        if self.chunks.refused:
            self.remark(f"{size_text(self.chunks.refused)} of the log are missing: the store did not take them.")
        await self.chunks.close()

    def _keep(self, stream: str, text: str) -> None:
        self._dropped += max(0, len(text) - TAIL)
        text = text[-TAIL:]
        self._tail.append((stream, text))
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0][1]) >= TAIL:
            gone = len(self._tail.popleft()[1])
            self._tail_size -= gone
            self._dropped += gone

    def _write(self, stream: str, text: str) -> None:
        self.chunks.add({"t": round(time.time(), 3), "s": stream, "x": text})

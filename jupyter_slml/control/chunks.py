"""What attempts leave in numbered chunks (their log, their metrics), read line by line: one chunk at a time is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jupyter_slml.domain.records import Attempt
from jupyter_slml.errors import NotFound
from jupyter_slml.ports.blobs import Blobs, attempt_key

#: A position is attempt, chunk and line in one number, which a browser still holds exactly: ten bits for the attempt (a job
#: has at most 401), twenty-six for the chunk (one a second for two years), seventeen for the line (a chunk has a few MiB).
_LINES, _CHUNKS = 17, 26


class Line(NamedTuple):
    position: int
    #: Number of the attempt.
    attempt: int
    #: One JSON object.
    data: bytes


class Chunks:
    """The chunks below one leaf (`log`, `metrics`) of some attempts, which are in their order."""

    def __init__(self, blobs: Blobs, attempts: Sequence[Attempt], leaf: str) -> None:
        self._blobs, self._attempts, self._leaf = blobs, attempts, leaf

    def forwards(self, after: int = 0) -> Iterator[Line]:
        """All lines behind the position `after`, first to last."""
        for attempt in self._attempts:
            chunk = _chunk_of(after, attempt.number)
            while lines := self._lines(attempt, chunk):
                yield from (line for line in lines if line.position > after)
                chunk += 1

    def backwards(self, after: int = 0) -> Iterator[Line]:
        """All lines behind the position `after`, last to first."""
        for attempt in reversed(self._attempts):
            first = _chunk_of(after, attempt.number)
            for chunk in range(self._last(attempt, first), first - 1, -1):
                yield from (line for line in reversed(self._lines(attempt, chunk)) if line.position > after)

    def _lines(self, attempt: Attempt, chunk: int) -> list[Line]:
        """The lines of one chunk; none when it is not there (yet). Chunks are numbered without gaps."""
        try:
            data = self._blobs.get(self._key(attempt, chunk))
        except NotFound:
            return []
        base = ((attempt.number << _CHUNKS) + chunk) << _LINES
        return [Line(base + number, attempt.number, line) for number, line in enumerate(data.splitlines(), 1)]

    def _last(self, attempt: Attempt, first: int) -> int:
        """The last chunk from `first` on, `first - 1` when there is none; found with few questions."""
        low, step = first - 1, 1
        while self._there(attempt, low + step):
            low, step = low + step, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._there(attempt, middle) else (low, middle)
        return low

    def _there(self, attempt: Attempt, chunk: int) -> bool:
        return self._blobs.exists(self._key(attempt, chunk))

    def _key(self, attempt: Attempt, chunk: int) -> str:
        return attempt_key(attempt.id, f"{self._leaf}/{chunk:08d}.jsonl")


def page(lines: Iterator[Line], limit: int) -> tuple[list[Line], bool]:
    """As many lines as fit into `limit` bytes, at least one if there is any; and whether more follow."""
    taken: list[Line] = []
    size = 0
    for line in lines:
        size += len(line.data)
        if taken and size > limit:
            return taken, True
        taken.append(line)
    return taken, False


def _chunk_of(position: int, attempt: int) -> int:
    """The chunk of an attempt in which reading goes on; beyond the last one when the attempt was read."""
    number, rest = position >> (_CHUNKS + _LINES), position & ((1 << (_CHUNKS + _LINES)) - 1)
    if number == attempt:
        return max(1, rest >> _LINES)
    return 1 if number < attempt else 1 << _CHUNKS

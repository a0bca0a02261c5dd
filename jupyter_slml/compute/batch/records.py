"""Boundaries of records in CSV and JSON Lines: which bytes a part reads, and where in them a record ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np

from jupyter_slml.compute.batch.rows import ReadFailed

Array = np.ndarray[Any, Any]

#: Bytes that are looked at together.
BLOCK = 4 << 20
#: A record that is longer is none.
LONGEST = 64 << 20

_BLANK = re.compile(rb"\n\r?\n|\A\r?\n")


class Source(Protocol):
    def seek(self, place: int, /) -> Any: ...

    def read(self, size: int, /) -> bytes: ...


class Stretch(NamedTuple):
    """Bytes from `first` to before `last`, with so many records, after so many."""

    first: int
    last: int
    row: int
    rows: int


def stretches(file: BinaryIO, start: int, size: int, most: int, *, quoted: bool) -> list[Stretch]:
    """Cut the bytes from `start` on into stretches of about `most` records. Reads all of it once.

    With `quoted`, a newline between quotes ends no record; quotes that do not pair up by the end count for nothing.
    """
    found, paired = _stretches(file, start, size, most, quoted=quoted)
    if not paired:
        found, _ = _stretches(file, start, size, most, quoted=False)
    return found


def is_paired(file: BinaryIO, start: int) -> bool:
    """Whether there is an even number of quotes from `start` on."""
    file.seek(start)
    count = 0
    while block := file.read(BLOCK):
        count += block.count(b'"')
    return count % 2 == 0


def _stretches(file: BinaryIO, start: int, size: int, most: int, *, quoted: bool) -> tuple[list[Stretch], bool]:
    file.seek(start)
    found: list[Stretch] = []
    first = position = start
    row = rows = 0
    inside = False
    fresh = True
    while block := file.read(BLOCK):
        ends, inside_after = _ends(block, inside, quoted=quoted)
        filled = _filled(block, ends, fresh)
        # Places where a stretch is full: every `most`-th record.
        done = 0
        while rows + (len(filled) - done) >= most:
            done += most - rows
            last = position + int(filled[done - 1]) + 1
            found.append(Stretch(first, last, row, most))
            row, first, rows = row + most, last, 0
        rows += len(filled) - done
        fresh = bool(len(ends)) and ends[-1] == len(block) - 1 if len(ends) else fresh and not block.strip()
        inside = inside_after
        position += len(block)
    if not fresh:
        rows += 1
    if rows:
        found.append(Stretch(first, position, row, rows))
    return found, not inside


def _ends(block: bytes, inside: bool, *, quoted: bool) -> tuple[Array, bool]:
    """Places of newlines that end a record; whether the block ends between quotes."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == 10)
    if not quoted or (not inside and b'"' not in block):
        return ends, inside
    quotes = np.flatnonzero(data == 34)
    before = np.searchsorted(quotes, ends) + int(inside)
    return ends[before % 2 == 0], bool((len(quotes) + int(inside)) % 2)


def _filled(block: bytes, ends: Array, fresh: bool) -> Array:
    """Those of the ends whose line is not blank. `fresh`: a line begins with the block."""
    if not _BLANK.search(block):
        return ends
    lengths = np.diff(ends, prepend=-1) - 1
    blank = lengths == 0
    one = np.flatnonzero(lengths == 1)
    data = np.frombuffer(block, dtype=np.uint8)
    blank[one] |= data[ends[one] - 1] == 13
    if len(blank) and not fresh:
        blank[0] = False
    kept: Array = ends[~blank]
    return kept


def blocks(file: Source, first: int, last: int | None, most: int, *, quoted: bool) -> Iterator[bytes]:
    """Whole records of about `most` bytes at once, from `first` (a record's start) to `last`. Raises ReadFailed for a record
    that does not end."""
    file.seek(first)
    left = None if last is None else last - first
    rest = b""
    while True:
        wanted = most if left is None else min(most, left)
        block = file.read(wanted) if wanted else b""
        if left is not None:
            left -= len(block)
        data = rest + block
        if not block:
            if data.strip():
                yield data
            return
        ends, _ = _ends(data, False, quoted=quoted)
        if len(ends):
            cut = int(ends[-1]) + 1
            yield data[:cut]
            rest = data[cut:]
        else:
            rest = data
            if len(rest) > LONGEST:
                raise ReadFailed(f"a record is longer than {LONGEST >> 20} MiB")

"""Parquet and Arrow files: row groups and record batches are the units.

A local file is mapped: its pages are the system's cache and no copies. Those that were read are let go of again and again,
so that a large file does not count as memory of the process either.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from jupyter_slml.compute.batch.rows import ReadFailed, Rows, conform, first_line, is_local, open_input
from jupyter_slml.domain.batch import Piece

_DAMAGED = (pa.ArrowException, OSError, EOFError)


#: Batches between two times that the pages of a mapped file are let go of.
_HELD = 4


class ParquetReader:
    """Row groups."""

    def survey(self, path: str) -> tuple[pa.Schema, list[int]]:
        """Schema, and the rows of each row group. Raises ReadFailed."""
        with _explained(), _opened(path) as source, _parquet(source) as file:
            about = file.metadata
            return file.schema_arrow, [about.row_group(place).num_rows for place in range(about.num_row_groups)]

    def read(self, path: str, piece: Piece, schema: pa.Schema, batch_rows: int) -> Iterator[Rows]:
        """The rows of some row groups in batches. Raises ReadFailed in the middle of a damaged one."""
        place = piece.row + 1
        with _explained(), _opened(path) as source, _parquet(source) as file:
            known = set(file.schema_arrow.names)
            missing = [name for name in schema.names if name not in known]
            if missing:
                raise ReadFailed(f"it has no column {missing[0]!r}")
            groups = list(range(piece.first, piece.last))
            if not schema.names:
                yield from _empty(sum(file.metadata.row_group(group).num_rows for group in groups), place, batch_rows)
                return
            found = file.iter_batches(batch_rows, row_groups=groups, columns=schema.names, use_threads=False)
            for batch in source.forgetting(found):
                yield Rows(conform(batch, schema), place)
                place += batch.num_rows


def _parquet(source: _Source) -> Any:
    # Without its own buffer a remote file would be read a column chunk at a time, however large that is.
    return pa.parquet.ParquetFile(source.file, pre_buffer=False, buffer_size=0 if source.is_mapped else 1 << 18)


class _Source:
    """An open file: mapped, or as its file system gives it."""

    def __init__(self, path: str) -> None:
        self._map: mmap.mmap | None = None
        handle = open_input(path)
        if not is_local(path):
            self.file: Any = handle
            return
        with handle:
            try:
                self._map = mmap.mmap(handle.fileno(), 0, prot=mmap.PROT_READ)
            except ValueError as error:
                raise ReadFailed("it is empty") from error
        self.file = pa.BufferReader(pa.py_buffer(self._map))

    @property
    def is_mapped(self) -> bool:
        return self._map is not None

    def forgetting(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches. What is still needed of the pages that are let go of is mapped again."""
        for number, batch in enumerate(batches, 1):
            yield batch
            if self._map is not None and number % _HELD == 0:
                self._map.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        # The map itself ends with the last batch that lies in it.
        self.file.close()
        self._map = None


@contextmanager
def _opened(path: str) -> Iterator[_Source]:
    source = _Source(path)
    try:
        yield source
    finally:
        source.close()


class ArrowReader:
    """Record batches of the IPC file format (Feather 2); the stream format is one unit, for it has no directory."""

    def survey(self, path: str) -> tuple[pa.Schema, list[int] | None]:
        """Schema, and the rows of each batch (None for a stream). Raises ReadFailed."""
        with _explained(), _opened(path) as source:
            if not _is_file(source.file):
                return pa.ipc.open_stream(source.file).schema, None
            file = pa.ipc.open_file(source.file)
            counts = [file.get_batch(place).num_rows for place in range(file.num_record_batches)]
            return file.schema, counts

    def read(self, path: str, piece: Piece, schema: pa.Schema, batch_rows: int) -> Iterator[Rows]:
        """As `ParquetReader.read`."""
        place = piece.row + 1
        with _explained(), _opened(path) as source:
            for batch in source.forgetting(self._batches(source.file, piece)):
                whole = conform(batch, schema) if schema.names else batch.select([])
                for start in range(0, batch.num_rows, batch_rows):
                    yield Rows(whole.slice(start, batch_rows), place + start)
                place += batch.num_rows

    @staticmethod
    def _batches(source: Any, piece: Piece) -> Iterator[pa.RecordBatch]:
        if not _is_file(source):
            yield from pa.ipc.open_stream(source)
            return
        file = pa.ipc.open_file(source)
        for place in range(piece.first, piece.last):
            yield file.get_batch(place)


def _is_file(source: Any) -> bool:
    """Whether it has the magic of the file format; leaves the position at the start."""
    magic = source.read(6)
    source.seek(0)
    return bytes(magic) == b"ARROW1"


def _empty(rows: int, place: int, batch_rows: int) -> Iterator[Rows]:
    """Rows of which no column is wanted."""
    for start in range(0, rows, batch_rows):
        count = min(batch_rows, rows - start)
        yield Rows(pa.RecordBatch.from_arrays([pa.nulls(count)], ["_"]), place + start)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ReadFailed:
        raise
    except _DAMAGED as error:
        raise ReadFailed(f"it is damaged ({first_line(error)})") from error


def units(counts: Sequence[int], most: int) -> Iterator[tuple[int, int, int, int]]:
    """Neighbours together up to `most` rows: (first, last, rows before, rows)."""
    first = before = rows = 0
    for place, count in enumerate(counts):
        if rows and rows + count > most:
            yield first, place, before, rows
            first, before, rows = place, before + rows, 0
        rows += count
    if rows:
        yield first, len(counts), before, rows

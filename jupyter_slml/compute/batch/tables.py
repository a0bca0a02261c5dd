"""Parquet and Arrow files: row groups and record batches are the units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from jupyter_slml.compute.batch.rows import ReadFailed, Rows, conform, first_line, is_local, open_input
from jupyter_slml.domain.batch import Piece

_DAMAGED = (pa.ArrowException, OSError, EOFError)


class ParquetReader:
    """Row groups. A local file is mapped, so that its pages are the system's cache and not our memory."""

    def survey(self, path: str) -> tuple[pa.Schema, list[int]]:
        """Schema, and the rows of each row group. Raises ReadFailed."""
        with _explained(), _parquet(path) as file:
            about = file.metadata
            return file.schema_arrow, [about.row_group(place).num_rows for place in range(about.num_row_groups)]

    def read(self, path: str, piece: Piece, schema: pa.Schema, batch_rows: int) -> Iterator[Rows]:
        """The rows of some row groups in batches. Raises ReadFailed in the middle of a damaged one."""
        place = piece.row + 1
        with _explained(), _parquet(path) as file:
            known = set(file.schema_arrow.names)
            missing = [name for name in schema.names if name not in known]
            if missing:
                raise ReadFailed(f"it has no column {missing[0]!r}")
            groups = list(range(piece.first, piece.last))
            if not schema.names:
                yield from _empty(sum(file.metadata.row_group(group).num_rows for group in groups), place, batch_rows)
                return
            for batch in file.iter_batches(batch_rows, row_groups=groups, columns=schema.names, use_threads=False):
                yield Rows(conform(batch, schema), place)
                place += batch.num_rows


@contextmanager
def _parquet(path: str) -> Iterator[Any]:
    if is_local(path):
        with pa.parquet.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            yield file
    else:
        with open_input(path) as source, pa.parquet.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20) as file:
            yield file


class ArrowReader:
    """Record batches of the IPC file format (Feather 2); the stream format is one unit, for it has no directory."""

    def survey(self, path: str) -> tuple[pa.Schema, list[int] | None]:
        """Schema, and the rows of each batch (None for a stream). Raises ReadFailed."""
        with _explained(), _arrow(path) as source:
            if not _is_file(source):
                return pa.ipc.open_stream(source).schema, None
            file = pa.ipc.open_file(source)
            counts = [file.get_batch(place).num_rows for place in range(file.num_record_batches)]
            return file.schema, counts

    def read(self, path: str, piece: Piece, schema: pa.Schema, batch_rows: int) -> Iterator[Rows]:
        """As `ParquetReader.read`."""
        place = piece.row + 1
        with _explained(), _arrow(path) as source:
            for batch in self._batches(source, piece):
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


@contextmanager
def _arrow(path: str) -> Iterator[Any]:
    if is_local(path):
        with pa.memory_map(path) as source:
            yield source
    else:
        with open_input(path) as source:
            yield source


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

"""What readers give: batches of rows with their places in the file, and the records that could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa


class Bad(NamedTuple):
    """A record that failed. `row` counts the file's records from 1, a header not among them; `records` is more than one when
    what follows it cannot be read either."""

    row: int
    reason: str
    records: int = 1


class Rows(NamedTuple):
    """Some rows of a file, in order."""

    batch: pa.RecordBatch
    #: Row of the file (from 1) of the first, or of each where some between them are bad.
    places: int | Sequence[int]
    bad: Sequence[Bad] = ()

    def place(self, index: int) -> int:
        return self.places + index if isinstance(self.places, int) else self.places[index]


class ReadFailed(Exception):
    """The rest of a stretch cannot be read: a damaged file."""


def is_local(path: str) -> bool:
    return "://" not in path and "::" not in path


def file_name(path: str) -> str:
    """What tells a file's format: of a chain (`zip://a.csv::s3://b/x.zip`) the first link that names a file."""
    links = path.split("::")
    return next((link for link in links if "://" in link and not link.endswith("://")), links[-1])


def open_input(path: str) -> BinaryIO:
    """A file of the input. Raises what its file system raises."""
    if is_local(path):
        return Path(path).open("rb")
    fs, inner = _located(path)
    file: BinaryIO = fs.open(inner, "rb")
    return file


@lru_cache(maxsize=8)
def _located(path: str) -> tuple[Any, str]:
    """The file system and the path in it. Kept, because an archive is closed when nobody has its file system any more."""
    from fsspec.core import url_to_fs

    found: tuple[Any, str] = url_to_fs(path)
    return found


def first_line(error: BaseException) -> str:
    """One line of an error, for a table of them."""
    text = (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly these columns: files of one input may order and type them differently. Raises ReadFailed."""
    if batch.schema.equals(schema):
        return batch
    arrays: list[Any] = []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        if place < 0:
            raise ReadFailed(f"it has no column {field.name!r}")
        column = batch.column(place)
        try:
            arrays.append(column if column.type.equals(field.type) else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ReadFailed(f"column {field.name!r} does not fit the other files: {first_line(error)}") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)

"""Parts as files: Parquet, CSV, JSON Lines, Arrow. Each batch is written at once."""

from __future__ import annotations

import hashlib
import io
from typing import Any, BinaryIO, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet


class Writer(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None:
        """Write the rest; the file below stays open."""


class Counted(io.RawIOBase):
    """A file that counts the bytes that go through it, and their sha256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._file.write(view)
        self._digest.update(view)
        self.count += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self.count

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def writer(kind: str, sink: Counted, schema: pa.Schema) -> Writer:
    match kind:
        case "parquet":
            # A dictionary of numbers is made for every column, and given up for most of them.
            texts = [field.name for field in schema if not _is_number(field.type)]
            return pa.parquet.ParquetWriter(sink, schema, use_dictionary=texts or False)  # type: ignore[no-any-return]
        case "arrow":
            return pa.ipc.new_file(sink, schema)  # type: ignore[no-any-return]
        case "csv":
            return CsvWriter(sink, schema)
    return JsonWriter(sink)


class CsvWriter:
    """With a header; nested values as JSON."""

    def __init__(self, sink: Counted, schema: pa.Schema) -> None:
        self._nested = [place for place, field in enumerate(schema) if pa.types.is_nested(field.type)]
        for place in self._nested:
            schema = schema.set(place, pa.field(schema.field(place).name, pa.string()))
        self._schema = schema
        self._writer = pa.csv.CSVWriter(sink, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = list(batch.columns)
        for place in self._nested:
            columns[place] = pa.array(
                [None if value is None else _json(value).decode() for value in columns[place].to_pylist()]
            )
        columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
        schema = pa.schema([(field.name, column.type) for field, column in zip(self._schema, columns, strict=True)])
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))

    def close(self) -> None:
        self._writer.close()


class JsonWriter:
    """An object per line; NaN is null, as JSON has no other word."""

    def __init__(self, sink: Counted) -> None:
        self._sink = sink

    def write(self, batch: pa.RecordBatch) -> None:
        self._sink.write(b"".join(_json(row) + b"\n" for row in batch.to_pylist()))

    def close(self) -> None:
        return


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

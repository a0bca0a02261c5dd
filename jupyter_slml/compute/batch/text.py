"""CSV and JSON Lines: parsed block by block, at Arrow's speed where all is well and record by record where it is not."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.json

from jupyter_slml.compute.batch.records import Source, blocks
from jupyter_slml.compute.batch.rows import Bad, ReadFailed, Rows, conform, file_name, first_line, open_input
from jupyter_slml.domain.batch import Piece, TextShape

#: What a CSV cell may say for a missing value.
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "n/a", "#N/A"]
#: Bytes that are parsed together.
_LEAST, _MOST = 64 << 10, 32 << 20

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


def compression(path: str) -> str | None:
    """Which compression the file's name tells of. Such a file cannot be divided."""
    return next((kind for ending, kind in _COMPRESSIONS.items() if file_name(path).endswith(ending)), None)


def open_text(path: str) -> Any:
    """The file, unpacked while it is read."""
    kind = compression(path)
    file = open_input(path)
    return file if kind is None else pa.CompressedInputStream(pa.PythonFile(file, "r"), kind)


class TextReader:
    """`names` are the columns of the file, in order (CSV only); `shape` is how it is written."""

    def __init__(self, kind: str, shape: TextShape, names: Sequence[str]) -> None:
        self._kind, self._shape, self._names = kind, shape, list(names)

    def read(self, path: str, piece: Piece, schema: pa.Schema, batch_rows: int) -> Iterator[Rows]:
        """The records of a byte range in batches. Raises ReadFailed where nothing more can be read."""
        place = piece.row + 1
        size = min(max(int(batch_rows * self._shape.width), _LEAST), _MOST)
        quoted = self._kind == "csv" and self._shape.quoted
        packed = compression(path) is not None
        try:
            with open_text(path) as file:
                source: Source = _Forward(file) if packed else file
                last = None if packed else piece.last
                for data in blocks(source, piece.first, last, size, quoted=quoted):
                    rows = self.parse(data, schema, place)
                    place += rows.batch.num_rows + len(rows.bad)
                    yield from _sliced(rows, batch_rows)
        except (OSError, EOFError, pa.ArrowException) as error:
            raise ReadFailed(f"it is damaged ({first_line(error)})") from error

    def parse(self, data: bytes, schema: pa.Schema, place: int) -> Rows:
        """Whole records."""
        try:
            return Rows(self._fast(data, schema), place)
        except (pa.ArrowInvalid, pa.ArrowKeyError, ReadFailed):
            return self._careful(data, schema, place)

    def _fast(self, data: bytes, schema: pa.Schema) -> pa.RecordBatch:
        source = pa.BufferReader(data)
        if self._kind == "csv":
            table = pa.csv.read_csv(
                source,
                pa.csv.ReadOptions(column_names=self._names, use_threads=False, block_size=len(data) + 1),
                pa.csv.ParseOptions(delimiter=self._shape.delimiter, newlines_in_values=True),
                pa.csv.ConvertOptions(
                    column_types=schema,
                    include_columns=schema.names or self._names[:1],
                    null_values=NULLS,
                    strings_can_be_null=True,
                ),
            )
        else:
            table = pa.json.read_json(
                source,
                pa.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                pa.json.ParseOptions(explicit_schema=schema, newlines_in_values=False, unexpected_field_behavior="ignore"),
            )
        batch = table.combine_chunks().to_batches()
        found = batch[0] if batch else pa.RecordBatch.from_pylist([], schema=table.schema)
        return conform(found, schema) if schema.names else found

    def _careful(self, data: bytes, schema: pa.Schema, place: int) -> Rows:
        records = self._csv_records(data) if self._kind == "csv" else _json_records(data)
        converters = [(field.name, _converter(field.type, text=self._kind == "csv")) for field in schema]
        columns: list[list[Any]] = [[] for _ in converters]
        places: list[int] = []
        bad: list[Bad] = []
        for number, record in enumerate(records, place):
            if isinstance(record, str):
                bad.append(Bad(number, record))
                continue
            try:
                values = [_value(record, name, convert) for name, convert in converters]
            except ValueError as error:
                bad.append(Bad(number, str(error)))
                continue
            for column, value in zip(columns, values, strict=True):
                column.append(value)
            places.append(number)
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
        if not schema.names:
            return Rows(pa.RecordBatch.from_arrays([pa.nulls(len(places))], ["_"]), places, bad)
        return Rows(pa.RecordBatch.from_arrays(arrays, schema=schema), places, bad)

    def _csv_records(self, data: bytes) -> Iterator[dict[str, str] | str]:
        count = len(self._names)
        lines = io.StringIO(data.decode("utf-8", errors="surrogateescape"), newline="")
        csv.field_size_limit(1 << 30)
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self._shape.quoted else csv.QUOTE_NONE
        for cells in csv.reader(lines, delimiter=self._shape.delimiter, quoting=quoting):
            if not cells:
                continue
            if len(cells) != count:
                yield f"it has {len(cells)} values, and there are {count} columns"
            else:
                yield dict(zip(self._names, cells, strict=True))


def _sliced(rows: Rows, batch_rows: int) -> Iterator[Rows]:
    if rows.batch.num_rows <= batch_rows:
        yield rows
        return
    for start in range(0, rows.batch.num_rows, batch_rows):
        places = rows.places + start if isinstance(rows.places, int) else rows.places[start : start + batch_rows]
        yield Rows(rows.batch.slice(start, batch_rows), places, rows.bad if start == 0 else ())


def _json_records(data: bytes) -> Iterator[dict[str, Any] | str]:
    for line in data.splitlines():
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except ValueError as error:
            yield f"it is not JSON: {str(error)[:200]}"
            continue
        yield record if isinstance(record, dict) else f"it is a {type(record).__name__}, not an object"


def _value(record: dict[str, Any], name: str, convert: Callable[[Any], Any]) -> Any:
    value = record.get(name)
    if value is None:
        return None
    try:
        return convert(value)
    except (ValueError, TypeError, OverflowError) as error:
        shown = value if isinstance(value, str) else repr(value)
        raise ValueError(f"column {name!r}: {shown[:60]!r} {error}") from None


def _converter(kind: pa.DataType, *, text: bool) -> Callable[[Any], Any]:
    """From a CSV cell or a JSON value to what `kind` holds. It raises ValueError whose text follows the value."""
    if pa.types.is_floating(kind):
        return lambda value: _number(value, text=text)
    if pa.types.is_integer(kind):
        scalar = kind

        def whole(value: Any) -> Any:
            number = _number(value, text=text)
            if number is None:
                return None
            if isinstance(number, float) and (not math.isfinite(number) or number != int(number)):
                raise ValueError(f"is no whole number ({scalar})")
            try:
                return pa.scalar(int(number), scalar).as_py()
            except (pa.ArrowInvalid, OverflowError):
                raise ValueError(f"does not fit into {scalar}") from None

        return whole
    if pa.types.is_boolean(kind):
        return _truth
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text

    def other(value: Any) -> Any:
        if text and value in NULLS:
            return None
        try:
            found = pa.array([value]).cast(kind) if text else pa.array([value], type=kind)
        except pa.ArrowException:
            raise ValueError(f"is no {kind}") from None
        return found[0].as_py()

    return other


def _number(value: Any, *, text: bool) -> float | int | None:
    if isinstance(value, str):
        if not text:
            raise ValueError("is a string, not a number")
        word = value.strip()
        if word in NULLS:
            return None
        try:
            if "_" in word:
                raise ValueError
            return float(word) if any(letter in word.lower() for letter in ".enif") else int(word)
        except ValueError:
            raise ValueError("is not a number") from None
    if isinstance(value, (int, float)):
        return value
    raise ValueError("is not a number")


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "1"):
        return True
    if word in ("false", "0"):
        return False
    if word in NULLS:
        return None
    raise ValueError("is neither true nor false")


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    return None if value in NULLS else value


class _Forward:
    """A packed file, which cannot seek: reading starts at a place behind the position."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def seek(self, place: int) -> None:
        left = place
        while left > 0 and (data := self._file.read(min(left, 1 << 20))):
            left -= len(data)

    def read(self, size: int) -> bytes:
        return bytes(self._file.read(size))

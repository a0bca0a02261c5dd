"""What the first records of text files look like: columns and their types."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa

from jupyter_slml.compute.batch.text import NULLS, open_text
from jupyter_slml.domain.batch import TextShape

#: Bytes at a file's start that are looked at.
_SAMPLE = 256 << 10


def sample(path: str) -> bytes:
    with open_text(path) as file:
        data = bytes(file.read(_SAMPLE))
    if len(data) < _SAMPLE:
        return data
    # Whole records, as far as one can see.
    return data[: data.rfind(b"\n") + 1] or data


def sampled(data: bytes, kind: str, shape: TextShape, names: list[str]) -> pa.Schema:
    """Types that the first records have; what cannot be parsed is left out."""
    source = pa.BufferReader(data)
    if kind == "csv":
        table = pa.csv.read_csv(
            source,
            pa.csv.ReadOptions(column_names=names, use_threads=False),
            pa.csv.ParseOptions(delimiter=shape.delimiter, newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
            pa.csv.ConvertOptions(null_values=NULLS, strings_can_be_null=True),
        )
        return table.schema
    good = []
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            good.append(record)
    while True:
        try:
            text = "\n".join(json.dumps(record) for record in good).encode()
            return pa.json.read_json(pa.BufferReader(text), pa.json.ReadOptions(use_threads=False)).schema
        except pa.ArrowInvalid:
            if len(good) <= 1:
                return pa.schema([])
            good = good[: len(good) // 2]


def unified(samples: list[pa.Schema]) -> pa.Schema:
    fields: dict[str, pa.DataType] = {}
    for schema in samples:
        for field in schema:
            fields[field.name] = _wider(fields[field.name], field.type) if field.name in fields else field.type
    return pa.schema(list(fields.items()))


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one.equals(other) or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = [pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in (one, other)]
    return pa.float64() if all(numbers) else pa.string()


def lenient(schema: pa.Schema, features: list[str], path: str, kind: str) -> pa.Schema:
    """A column of which most sampled values are numbers is one of numbers with some bad records among them."""
    doubtful = [name for name in features if pa.types.is_string(schema.field(name).type)]
    if not doubtful:
        return schema
    records = _values(sample(path), kind)
    for name in doubtful:
        values = [record.get(name) for record in records]
        numbers = sum(is_number(value) for value in values if value is not None)
        if numbers * 2 > len(values):
            schema = schema.set(schema.get_field_index(name), pa.field(name, pa.float64()))
    return schema


def _values(data: bytes, kind: str, most: int = 2000) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if kind == "csv":
        text = data.decode("utf-8-sig", errors="replace")
        line = text.partition("\n")[0]
        for record in csv.DictReader(io.StringIO(text), delimiter=max(",\t;|", key=line.count)):
            found.append(record)
            if len(found) >= most:
                break
        return found
    for row in data.splitlines()[:most]:
        try:
            value = json.loads(row)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def is_number(value: object) -> bool:
    if isinstance(value, (int, float)):
        return True
    try:
        float(str(value).strip() or "nan")
    except ValueError:
        return str(value) in NULLS
    return True


def line_end(data: bytes) -> int:
    place = data.find(b"\n")
    return len(data) if place < 0 else place + 1


def width(data: bytes) -> float:
    return max(2.0, len(data) / max(1, data.count(b"\n")))

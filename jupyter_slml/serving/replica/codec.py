"""Request bodies become rows of numbers, predictions become answers; what cannot be read is refused with its place."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from jupyter_slml.errors import BadRequest, Invalid, NotAcceptable, UnsupportedType

JSON = b"application/json"
CSV = b"text/csv; charset=utf-8"

#: What a CSV cell may say for a missing value.
MISSING = frozenset({"", "na", "nan", "null", "none"})

_FORMS = 'Send [[…], …], {"instances": [[…], …]}, {"instances": [{"column": value}]} or {"columns": […], "data": [[…]]}.'


class Columns:
    """What rows of a model look like: how many values, and their names if it has any."""

    def __init__(self, signature: dict[str, Any] | None) -> None:
        found = signature or {}
        names = found.get("columns")
        self.names: list[str] | None = [str(name) for name in names] if names else None
        width = found.get("features")
        self.width: int | None = int(width) if width is not None else len(self.names) if self.names else None
        self._places = {name: place for place, name in enumerate(self.names or ())}

    def name(self, place: int) -> str:
        return repr(self.names[place]) if self.names and place < len(self.names) else str(place + 1)

    def order(self, given: Sequence[Any]) -> list[int]:
        """For each column of the model, where it is in `given`. Raises Invalid for unknown, missing or repeated names."""
        if self.names is None:
            raise Invalid(
                "The model was trained without column names, so values cannot be matched by name.",
                field="columns",
                remedy=f"Send rows as lists of {self.width} numbers." if self.width else "Send rows as lists of numbers.",
            )
        places = {name: place for place, name in enumerate(given)}
        unknown = [str(name) for name in places if name not in self._places]
        missing = [name for name in self.names if name not in places]
        if unknown or missing:
            parts = [f"{what} {_listed(names)}" for what, names in (("unknown", unknown), ("missing", missing)) if names]
            raise Invalid(
                f"The columns do not match the model's: {'; '.join(parts)}.",
                field="columns",
                value=(unknown or missing)[0],
                remedy=f"The model takes {_listed(self.names, 40)}. Write null for a value that is missing.",
            )
        if len(places) != len(given):
            repeated = next(name for name in given if list(given).count(name) > 1)
            raise Invalid(f"The column {repeated!r} is given twice.", field="columns", value=repeated)
        return [places[name] for name in self.names]

    def check_width(self, got: int, row: int) -> None:
        if self.width is not None and got != self.width:
            raise Invalid(
                f"Row {row + 1} has {got} values, the model takes {self.width}.",
                field="instances",
                value=got,
                remedy=f"The columns are {_listed(self.names, 40)}." if self.names else None,
            )


def decode(body: bytes, content_type: str, columns: Columns, dtype: str) -> np.ndarray[Any, Any]:
    """The rows of a body, one line each, missing values as NaN.

    Raises UnsupportedType, BadRequest for what cannot be read at all, Invalid for rows the model cannot take.
    """
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    charset = parameters.lower().partition("charset=")[2].strip(' "').partition(";")[0]
    if kind not in ("application/json", "text/csv") or charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnsupportedType(
            f"Bodies of type {content_type[:100]!r} cannot be read." if content_type else "The body's type is not given.",
            field="Content-Type",
            value=content_type or None,
            remedy="Send Content-Type: application/json or text/csv, in UTF-8.",
        )
    if not body or body.isspace():
        raise BadRequest("The body is empty.", field="body", remedy=_FORMS)
    return _read_json(body, columns, dtype) if kind == "application/json" else _read_csv(body, columns, dtype)


def _read_json(body: bytes, columns: Columns, dtype: str) -> np.ndarray[Any, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        literal = next((word for word in (b"NaN", b"Infinity") if word in body), None)
        raise BadRequest(
            f"The body is not valid JSON: {error}.",
            field="body",
            remedy=f"JSON has no {literal.decode()}: write null for a missing value." if literal else _FORMS,
        ) from error
    if isinstance(data, dict) and "instances" in data:
        _only(data, "instances", "parameters")
        data = data["instances"]
    elif isinstance(data, dict) and {"columns", "data"} <= data.keys():
        _only(data, "columns", "data", "index")
        return _named_matrix(data["columns"], data["data"], columns, dtype)
    if not isinstance(data, list):
        raise Invalid("The body is not a list of rows.", field="body", value=_kind(data), remedy=_FORMS)
    if not data:
        raise Invalid("There are no rows in the body.", field="instances", remedy=_FORMS)
    if isinstance(data[0], dict):
        return _records(data, columns, dtype)
    if not any(isinstance(row, (list, dict)) for row in data):
        data = [data]
    return _matrix(data, columns, dtype)


def _only(data: dict[str, Any], *known: str) -> None:
    for key in data:
        if key not in known:
            raise Invalid(f"The field {key[:80]!r} is not known.", field=key[:80], remedy=_FORMS)


def _matrix(rows: list[Any], columns: Columns, dtype: str) -> np.ndarray[Any, Any]:
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise Invalid(f"Row {number + 1} is {_kind(row)}, not a list of numbers.", field="instances", remedy=_FORMS)
        columns.check_width(len(row), number)
        if len(row) != len(rows[0]):
            raise Invalid(f"Row {number + 1} has {len(row)} values, row 1 has {len(rows[0])}.", field="instances")
        for place, value in enumerate(row):
            if type(value) not in (float, int, bool) and value is not None:
                raise Invalid(
                    f"Row {number + 1}, column {columns.name(place)}: {str(value)[:60]!r} is {_kind(value)}, not a number.",
                    field=f"instances[{number}][{place}]",
                    value=value,
                    remedy="Send numbers without quotes, and null for a missing value.",
                )
    return _array(rows, dtype)


def _array(rows: list[Any], dtype: str) -> np.ndarray[Any, Any]:
    # A number beyond float32 becomes infinite, which is on the right side of every split.
    with np.errstate(over="ignore"):
        array = np.array(rows, dtype=dtype)
    if array.ndim != 2 or array.shape[1] == 0:
        raise Invalid("The rows have no values.", field="instances", remedy=_FORMS)
    return array


def _records(rows: list[Any], columns: Columns, dtype: str) -> np.ndarray[Any, Any]:
    table = []
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Invalid(f"Row {number + 1} is {_kind(row)}, row 1 has names.", field="instances", remedy=_FORMS)
        if columns.names is None or row.keys() != columns._places.keys():
            columns.order(list(row))
        assert columns.names is not None
        table.append([row[name] for name in columns.names])
    return _matrix(table, columns, dtype)


def _named_matrix(names: Any, rows: Any, columns: Columns, dtype: str) -> np.ndarray[Any, Any]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Invalid("The field 'columns' is not a list of names.", field="columns", remedy=_FORMS)
    if not isinstance(rows, list) or not rows:
        raise Invalid("The field 'data' is not a list of rows.", field="data", remedy=_FORMS)
    order = columns.order(names)
    table = []
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            got = f"{len(row)} values" if isinstance(row, list) else _kind(row)
            raise Invalid(f"Row {number + 1} has {got}, there are {len(names)} columns.", field="data")
        table.append([row[place] for place in order])
    return _matrix(table, columns, dtype)


def _read_csv(body: bytes, columns: Columns, dtype: str) -> np.ndarray[Any, Any]:
    try:
        text = body.decode("utf-8-sig")
        lines = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"The body is not valid CSV in UTF-8: {error}.", field="body") from error
    order: list[int] | None = None
    first = [cell.strip() for cell in lines[0]] if lines else []
    if first == columns.names or any(_number(cell) is None for cell in first):
        del lines[0]
        # Without names in the model a header says nothing that could be checked but its length.
        if columns.names is not None:
            order = columns.order(first)
        else:
            columns.check_width(len(first), 0)
    if not lines:
        raise Invalid("There are no rows in the body.", field="body", remedy="Write one row per line.")
    table = []
    for number, line in enumerate(lines):
        if order is None:
            columns.check_width(len(line), number)
        if len(line) != len(lines[0]) or (order is not None and len(line) != len(order)):
            raise Invalid(f"Row {number + 1} has {len(line)} values, not {len(order or lines[0])}.", field="body")
        cells = line if order is None else [line[place] for place in order]
        row = [_number(cell) for cell in cells]
        if None in row:
            place = row.index(None)
            raise Invalid(
                f"Row {number + 1}, column {columns.name(place)}: {cells[place][:60]!r} is not a number.",
                field="body",
                value=cells[place],
                remedy="Write numbers, and leave the cell empty for a missing value.",
            )
        table.append(row)
    return _array(table, dtype)


def _number(cell: str) -> float | None:
    """The number in a CSV cell, NaN for a missing one; None when it is neither (Python's 1_000 is not CSV's)."""
    text = cell.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        return None if "_" in text or (math.isinf(value := float(text)) and "inf" in text.lower()) else value
    except ValueError:
        return None


def _kind(value: object) -> str:
    names = {str: "a string", dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def wants_csv(accept: str) -> bool:
    """Whether the answer shall be CSV: the first type in Accept that we have wins. Raises NotAcceptable."""
    for part in accept.split(",") if accept.strip() else ():
        kind = part.partition(";")[0].strip().lower()
        if kind in ("application/json", "*/*", "application/*"):
            return False
        if kind in ("text/csv", "text/*"):
            return True
    if accept.strip():
        raise NotAcceptable(
            f"Answers cannot be given as {accept[:100]!r}.",
            field="Accept",
            value=accept,
            remedy="Ask for application/json or text/csv, or leave the header out.",
        )
    return False


class Answers:
    """The predictions of a batch as text, written once and then cut. NaN and infinity become null, in CSV an empty cell."""

    def __init__(self, predictions: np.ndarray[Any, Any]) -> None:
        self._values: list[Any] | None = None
        self._deep = predictions.ndim > 1
        if predictions.dtype.kind not in "fiub" or predictions.ndim > 2:
            self._values = predictions.tolist()
            return
        text = orjson.dumps(predictions, option=orjson.OPT_SERIALIZE_NUMPY)
        self._pieces = text[2:-2].split(b"],[") if self._deep else text[1:-1].split(b",")

    def encode(self, start: int, end: int, as_csv: bool) -> tuple[bytes, bytes]:
        """Content type and body of the answer with the predictions from `start` to before `end`."""
        if self._values is not None:
            return _encode_values(self._values[start:end], as_csv)
        pieces = self._pieces[start:end]
        if as_csv:
            return CSV, b"\n".join(pieces).replace(b"null", b"") + b"\n"
        if self._deep:
            return JSON, b'{"predictions":[[' + b"],[".join(pieces) + b"]]}"
        return JSON, b'{"predictions":[' + b",".join(pieces) + b"]}"


def _encode_values(values: list[Any], as_csv: bool) -> tuple[bytes, bytes]:
    """Labels: strings, or whatever the model gives."""
    if not as_csv:
        return JSON, orjson.dumps({"predictions": values}, default=str)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(value if isinstance(value, list) else [value] for value in values)
    return CSV, out.getvalue().encode()

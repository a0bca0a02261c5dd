"""Request bodies become rows; what cannot be read is refused with its place.

The forms are read here and in `binary`; what rows become is the target's business: a `Matrix` or a `Frame`.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson

from jupyter_slml.errors import BadRequest, Invalid, UnsupportedType
from jupyter_slml.serving.replica.binary import read_arrow, read_npy
from jupyter_slml.serving.replica.columns import Columns, shown, word
from jupyter_slml.serving.replica.frame import FRAME, Frame
from jupyter_slml.serving.replica.matrix import Matrix, matrix, number_in

_FORMS = 'Send [[…], …], {"instances": [[…], …]}, {"instances": [{"column": value}]} or {"columns": […], "data": [[…]]}.'

_TEXTS = ("application/json", "text/csv")
_BINARIES = {"application/x-npy": read_npy, "application/vnd.apache.arrow.stream": read_arrow}


def target(dtype: str) -> Matrix | Frame:
    """What a predictor of that dtype gets its rows as."""
    return FRAME if dtype == "frame" else matrix(dtype)


def decode(body: bytes, content_type: str, columns: Columns, dtype: str) -> Any:
    """The rows of a body: a matrix of `dtype` with missing values as NaN, or the columns of a frame.

    Raises UnsupportedType, BadRequest for what cannot be read at all, Invalid for rows the model cannot take.
    """
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    charset = parameters.lower().partition("charset=")[2].strip(' "').partition(";")[0]
    binary = _BINARIES.get(kind)
    if binary is None and (kind not in _TEXTS or charset not in ("", "utf-8", "utf8", "us-ascii")):
        raise UnsupportedType(
            f"Bodies of type {content_type[:100]!r} cannot be read." if content_type else "The body's type is not given.",
            field="Content-Type",
            value=content_type or None,
            remedy="Send Content-Type: application/json or text/csv, in UTF-8, or " + " or ".join(_BINARIES) + ".",
        )
    if not body or (binary is None and body.isspace()):
        raise BadRequest("The body is empty.", field="body", remedy=_FORMS)
    if binary is not None:
        return binary(body, columns, target(dtype))
    return (
        _read_json(body, columns, target(dtype)) if kind == "application/json" else _read_csv(body, columns, target(dtype))
    )


def _read_json(body: bytes, columns: Columns, target: Matrix | Frame) -> Any:
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
        return target.of_json(_named_matrix(data["columns"], data["data"], columns), columns)
    if not isinstance(data, list):
        raise Invalid("The body is not a list of rows.", field="body", value=word(data), remedy=_FORMS)
    if not data:
        raise Invalid("There are no rows in the body.", field="instances", remedy=_FORMS)
    if isinstance(data[0], dict):
        return target.of_json(_records(data, columns), columns)
    if not any(isinstance(row, (list, dict)) for row in data):
        data = [data]
    return target.of_json(_rows(data, columns), columns)


def _only(data: dict[str, Any], *known: str) -> None:
    for key in data:
        if key not in known:
            raise Invalid(f"The field {key[:80]!r} is not known.", field=key[:80], remedy=_FORMS)


def _rows(rows: list[Any], columns: Columns) -> list[list[Any]]:
    """Lists of one length, which is the model's if it has one."""
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise Invalid(f"Row {number + 1} is {word(row)}, not a list of values.", field="instances", remedy=_FORMS)
        columns.check_width(len(row), number)
        if len(row) != len(rows[0]):
            raise Invalid(f"Row {number + 1} has {len(row)} values, row 1 has {len(rows[0])}.", field="instances")
    if not rows[0]:
        raise Invalid("The rows have no values.", field="instances", remedy=_FORMS)
    return rows


def _records(rows: list[Any], columns: Columns) -> list[list[Any]]:
    table = []
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Invalid(f"Row {number + 1} is {word(row)}, row 1 has names.", field="instances", remedy=_FORMS)
        if not columns.same(row):
            columns.order(list(row))
        assert columns.names is not None
        table.append([row[name] for name in columns.names])
    return table


def _named_matrix(names: Any, rows: Any, columns: Columns) -> list[list[Any]]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Invalid("The field 'columns' is not a list of names.", field="columns", remedy=_FORMS)
    if not isinstance(rows, list) or not rows:
        raise Invalid("The field 'data' is not a list of rows.", field="data", remedy=_FORMS)
    order = columns.order(names)
    table = []
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            got = f"{len(row)} values" if isinstance(row, list) else shown(row)
            raise Invalid(f"Row {number + 1} has {got}, there are {len(names)} columns.", field="data")
        table.append([row[place] for place in order])
    return table


def _read_csv(body: bytes, columns: Columns, target: Matrix | Frame) -> Any:
    try:
        text = body.decode("utf-8-sig")
        lines = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"The body is not valid CSV in UTF-8: {error}.", field="body") from error
    order: list[int] | None = None
    first = [cell.strip() for cell in lines[0]] if lines else []
    if _is_header(first, columns, target):
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
        table.append(line if order is None else [line[place] for place in order])
    return target.of_cells(table, columns)


def _is_header(first: list[str], columns: Columns, target: Matrix | Frame) -> bool:
    """Whether the first line names columns."""
    if columns.same(first):
        return True
    if isinstance(target, Matrix):
        return any(number_in(cell) is None for cell in first)
    # Where texts are values, a header is known by a name in it, and by no number where numbers belong.
    numbers = [cell for place, cell in enumerate(first) if columns.kind(place).is_number]
    return any(columns.knows(cell) for cell in first) and all(number_in(cell) is None for cell in numbers)

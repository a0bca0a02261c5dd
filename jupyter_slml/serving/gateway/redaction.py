"""Bodies as the request log keeps them: as JSON where they are JSON or CSV, and without the columns that are hidden."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

#: A longer body is not kept; its length is.
LONGEST = 256 * 1024


def readable(body: bytes, content_type: str, columns: Sequence[str] | None, hidden: Sequence[str]) -> Any:
    """The body without the `hidden` columns; None when it is too long, or when it cannot be read and something is hidden.

    `columns` are those of the model, for rows without names. JSON comes back as its value, CSV as text, anything else as
    `{"base64": text}`.
    """
    if len(body) > LONGEST:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            return _json(orjson.loads(body), columns, set(hidden))
        except orjson.JSONDecodeError:
            return None if hidden else body.decode(errors="replace")
    if kind == "text/csv":
        text = body.decode(errors="replace")
        return text if not hidden else _csv(text, columns, set(hidden))
    if hidden:
        return None
    return {"base64": base64.b64encode(body).decode()} if body else ""


def _json(data: Any, columns: Sequence[str] | None, hidden: set[str]) -> Any:
    if not hidden:
        return data
    if isinstance(data, dict) and "instances" in data:
        # Whatever else is beside the rows is not known, so it is left out.
        return {"instances": _rows(data["instances"], columns, hidden)}
    if isinstance(data, dict) and isinstance(data.get("columns"), list):
        names = [str(name) for name in data["columns"]]
        return {"columns": [name for name in names if name not in hidden], "data": _rows(data.get("data"), names, hidden)}
    return _rows(data, columns, hidden)


def _rows(rows: Any, columns: Sequence[str] | None, hidden: set[str]) -> Any:
    """Rows without what is hidden; None where it cannot be told what that is."""
    if not isinstance(rows, list):
        return None
    if rows and not any(isinstance(row, (list, dict)) for row in rows):
        return _row(rows, columns, hidden)
    return [_row(row, columns, hidden) for row in rows]


def _row(row: Any, columns: Sequence[str] | None, hidden: set[str]) -> Any:
    if isinstance(row, dict):
        return {name: value for name, value in row.items() if name not in hidden}
    if isinstance(row, list) and columns is not None and len(row) == len(columns):
        return [value for name, value in zip(columns, row, strict=True) if name not in hidden]
    return None


def _csv(text: str, columns: Sequence[str] | None, hidden: set[str]) -> str | None:
    try:
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
    except csv.Error:
        return None
    names = list(columns or ())
    if lines and hidden & {cell.strip() for cell in lines[0]}:
        names = [cell.strip() for cell in lines[0]]
    if not lines or any(len(line) != len(names) for line in lines):
        return None
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for line in lines:
        writer.writerow([cell for name, cell in zip(names, line, strict=True) if name not in hidden])
    return out.getvalue()

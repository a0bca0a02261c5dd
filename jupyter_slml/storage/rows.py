"""Records to rows and back: nested fields are JSON text, everything else is a column of the same name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import RowMapping

from jupyter_slml.domain.model import Frozen

R = TypeVar("R", bound=Frozen)


def to_row(record: Frozen, nested: Iterable[str]) -> dict[str, Any]:
    """The columns of a record; the fields in `nested` become JSON text (None stays NULL)."""
    texts = set(nested)
    row = {}
    for name, value in record:
        if name in texts and value is not None:
            row[name] = value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value)
        else:
            row[name] = value
    return row


def to_record(kind: type[R], row: RowMapping, nested: Iterable[str]) -> R:
    """The record of a row. Columns that the record does not have (they exist for searching) are left out."""
    texts = set(nested)
    fields = kind.model_fields
    data = {
        name: json.loads(value) if name in texts and value is not None else value
        for name, value in row.items()
        if name in fields
    }
    return kind.model_validate(data)

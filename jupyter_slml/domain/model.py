"""The base of every record and spec: frozen, keyword-only, strict about unknown fields."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from jupyter_slml.errors import Invalid


class Frozen(BaseModel):
    """An immutable value. Change is `evolve`, which validates the new field values again."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def evolve(self, **changes: Any) -> Self:
        return type(self).model_validate({**dict(self), **changes})

    @classmethod
    def parse(cls, data: object) -> Self:
        """Validate outside data; raises Invalid that names the first bad field, its value and what was expected."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise invalid(error, cls.model_fields) from error


def invalid(error: ValidationError, known: Iterable[str] = ()) -> Invalid:
    """The first complaint of pydantic as our own error; the others are kept in `detail["errors"]`.

    `known` fields are offered in place of one that is none.
    """
    complaints = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors(include_url=False, include_context=False)
    ]
    first = error.errors(include_url=False)[0]
    field = complaints[0]["field"]
    return Invalid(
        complaint(first["type"], field, complaints[0]["message"], first.get("input")),
        field=field or "body",
        value=first.get("input"),
        remedy=_known(field, list(known)) if first["type"] == "extra_forbidden" else None,
        detail={"errors": complaints},
    )


def complaint(kind: str, field: str, said: str, given: object) -> str:
    """One complaint of pydantic (its type, the field's path, its message, the value) as a sentence."""
    if kind == "extra_forbidden":
        return f"There is no option {field!r}."
    if kind == "missing":
        return f"{field or 'The body'} is missing."
    message = said.removeprefix("Value error, ").rstrip(".")
    if message == said:
        message = message.replace("Input should be", "it should be", 1)
        # What else is wrong with a long value, or with a whole table of them, its own message says.
        shown = f" {given!r}" if isinstance(given, (str, int, float)) and len(str(given)) <= 80 else ""
        return f"{field or 'The body'}{shown}: {message}."
    return f"{field}: {message}." if field else f"{message[:1].upper()}{message[1:]}."


def _known(field: str, known: list[str]) -> str | None:
    near = difflib.get_close_matches(field, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"Options: {', '.join(known)}." if known else None

"""The base of every record and spec: frozen, keyword-only, strict about unknown fields."""

from __future__ import annotations

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
            raise invalid(error) from error


def invalid(error: ValidationError) -> Invalid:
    """The first complaint of pydantic as our own error; the others are kept in `detail["errors"]`."""
    complaints = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors(include_url=False, include_context=False)
    ]
    first = error.errors(include_url=False)[0]
    field = complaints[0]["field"] or "body"
    message = complaints[0]["message"].removeprefix("Value error, ")
    return Invalid(
        f"{field}: {message}.".replace("..", "."),
        field=field,
        value=first.get("input"),
        detail={"errors": complaints},
    )

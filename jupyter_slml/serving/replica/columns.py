"""What the rows of a model look like, from its signature: how many values, their names, and what each may be."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from jupyter_slml.errors import Invalid


class Kind(NamedTuple):
    """What the values of one column are. `dtype` is a word of `domain.signatures`, or empty when nothing is known."""

    dtype: str = ""
    #: All that a category may be.
    categories: tuple[Any, ...] | None = None
    #: A value that training saw.
    example: Any = None

    @property
    def is_number(self) -> bool:
        return self.dtype.startswith(("int", "uint", "float"))


UNKNOWN = Kind()


class Columns:
    """Names, width and kinds. One per replica."""

    def __init__(self, signature: dict[str, Any] | None) -> None:
        found = signature or {}
        inputs = [item for item in found.get("inputs") or [] if isinstance(item, dict)]
        names = found.get("columns") or [item.get("name") for item in inputs]
        self.names: list[str] | None = [str(name) for name in names] if names else None
        width = found.get("features")
        self.width: int | None = int(width) if width is not None else len(self.names) if self.names else None
        self.classes: list[Any] = list(found.get("classes") or [])
        self._places = {name: place for place, name in enumerate(self.names or ())}
        kinds = {str(item.get("name")): _kind(item) for item in inputs}
        self._kinds = [kinds.get(name, UNKNOWN) for name in self.names or ()]

    def name(self, place: int) -> str:
        """A column for a message: its name, or its number from 1."""
        return repr(self.names[place]) if self.names and place < len(self.names) else str(place + 1)

    def kind(self, place: int) -> Kind:
        return self._kinds[place] if place < len(self._kinds) else UNKNOWN

    def same(self, given: Collection[Any]) -> bool:
        """Whether these are the model's names, in any order."""
        return len(given) == len(self._places) and self._places.keys() == set(given)

    def knows(self, name: str) -> bool:
        return name in self._places

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
            parts = [f"{what} {listed(names)}" for what, names in (("unknown", unknown), ("missing", missing)) if names]
            raise Invalid(
                f"The columns do not match the model's: {'; '.join(parts)}.",
                field="columns",
                value=(unknown or missing)[0],
                remedy=f"The model takes {listed(self.names, 40)}. Write null for a value that is missing.",
            )
        if len(places) != len(given):
            repeated = next(name for name in given if list(given).count(name) > 1)
            raise Invalid(f"The column {repeated!r} is given twice.", field="columns", value=repeated)
        return [places[name] for name in self.names]

    def check_width(self, got: int, row: int) -> None:
        """Raises Invalid."""
        if self.width is not None and got != self.width:
            raise Invalid(
                f"Row {row + 1} has {got} values, the model takes {self.width}.",
                field="instances",
                value=got,
                remedy=f"The columns are {listed(self.names, 40)}." if self.names else None,
            )


def _kind(item: dict[str, Any]) -> Kind:
    dtype = str(item.get("dtype") or "")
    categories = item.get("categories") if dtype == "category" else None
    seen = categories or item.get("values")
    return Kind(dtype, tuple(categories) if categories else None, seen[0] if seen else item.get("min"))


def listed(names: Sequence[Any], most: int = 5) -> str:
    shown = ", ".join(repr(name[:60] if isinstance(name, str) else name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def word(value: object) -> str:
    """What a JSON value is."""
    names = {str: "a string", dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def shown(value: object) -> str:
    """A scalar for a message; a list or object may be too deep to be written at all."""
    return repr(value[:60] if isinstance(value, str) else value) if not isinstance(value, (list, dict)) else word(value)

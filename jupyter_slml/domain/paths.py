"""SageMaker's subset of JSONPath over the columns of a table: `$`, `$.name`, `$['a','b']`, `$[i]`, `$[i,j]`, `$[i:j]`."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: SageMaker's word for the predictions in an output filter.
PREDICTIONS = "SageMakerOutput"

_NAME = re.compile(r"\$\.([^.\[\]'\",:*]+)")
_QUOTED = re.compile(r"\$\[\s*((?:'[^']*'|\"[^\"]*\")(?:\s*,\s*(?:'[^']*'|\"[^\"]*\"))*)\s*\]")
_INDEXES = re.compile(r"\$\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_SLICE = re.compile(r"\$\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*\]")
_ALL = ("$", "$.*", "$[*]")


def check_path(path: str) -> None:
    """Raises ValueError for what is no such path."""
    if path not in _ALL and not any(kind.fullmatch(path) for kind in (_NAME, _QUOTED, _INDEXES, _SLICE)):
        raise ValueError(
            f"{path[:80]!r} is no path over columns; write $, $.name, $['a','b'], $[0], $[0,2], $[1:] or $[:-1]"
        )


def select(path: str, columns: Sequence[str], predictions: Sequence[str] = ()) -> list[str]:
    """The columns that a path names, in its order. `predictions` are those that `SageMakerOutput` means.

    Raises KeyError with the name of a column that is not there, IndexError with a place.
    """
    if path in _ALL:
        return list(columns)
    if found := _NAME.fullmatch(path):
        return _named([found[1]], columns, predictions)
    if found := _QUOTED.fullmatch(path):
        return _named(
            [first or second for first, second in re.findall(r"'([^']*)'|\"([^\"]*)\"", found[1])], columns, predictions
        )
    if found := _INDEXES.fullmatch(path):
        places = [int(word) for word in found[1].split(",")]
        for place in places:
            if not -len(columns) <= place < len(columns):
                raise IndexError(place)
        return list(dict.fromkeys(columns[place] for place in places))
    found = _SLICE.fullmatch(path)
    if found is None:
        raise ValueError(path)
    start, stop = (None if word is None else int(word) for word in found.groups())
    return list(columns[start:stop])


def _named(names: Sequence[str], columns: Sequence[str], predictions: Sequence[str]) -> list[str]:
    chosen: list[str] = []
    for name in names:
        if name == PREDICTIONS and predictions and name not in columns:
            chosen += predictions
        elif name in columns:
            chosen.append(name)
        else:
            raise KeyError(name)
    return list(dict.fromkeys(chosen))

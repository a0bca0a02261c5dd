"""Rows for a model that takes a DataFrame: columns with names, each of the kind that training saw.

A body becomes one list or array per column, so that many bodies make one frame and not many frames one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jupyter_slml.errors import Invalid
from jupyter_slml.serving.replica.columns import Columns, Kind, listed, shown, word
from jupyter_slml.serving.replica.matrix import number_in

Array = np.ndarray[Any, Any]

_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": None}
#: Where nothing is known of a column but its kind.
_USUAL = {"string": "", "datetime": "2000-01-01", "bool": False, "category": None, "object": None}


class Part:
    """The columns of one body."""

    def __init__(self, values: list[Any], rows: int, columns: Columns) -> None:
        self.values = values
        self.columns = columns
        self._rows = rows

    def __len__(self) -> int:
        return self._rows


class Frame:
    """Turns values into `Part`s, and these into a DataFrame. All methods raise Invalid."""

    def of_json(self, rows: list[list[Any]], columns: Columns) -> Part:
        """`rows` are lists of one length."""
        values = [
            _Column(columns, place).of_values([row[place] for row in rows], f"instances[{{}}][{place}]")
            for place in range(len(rows[0]))
        ]
        return Part(values, len(rows), columns)

    def of_cells(self, lines: list[list[str]], columns: Columns) -> Part:
        """`lines` are the cells of a CSV file, of one length."""
        values = [_Column(columns, place).of_cells([line[place] for line in lines]) for place in range(len(lines[0]))]
        return Part(values, len(lines), columns)

    def of_array(self, array: Array, columns: Columns) -> Part:
        """`array` is a matrix of numbers or texts."""
        return self.of_arrays(list(array.T), columns)

    def of_arrays(self, arrays: Sequence[Any], columns: Columns) -> Part:
        """One array per column: numbers (NaN is missing), times, or anything that `tolist` makes JSON values of."""
        values = [_Column(columns, place).of_array(np.asarray(array)) for place, array in enumerate(arrays)]
        return Part(values, len(arrays[0]), columns)

    def join(self, parts: Sequence[Part]) -> Any:
        """The rows of several bodies one below the other, as a DataFrame."""
        import pandas

        columns = parts[0].columns
        table = {}
        for place, pieces in enumerate(zip(*(part.values for part in parts), strict=True)):
            name = columns.names[place] if columns.names else place
            table[name] = _series([*pieces], columns.kind(place))
        return pandas.DataFrame(table, copy=False)

    def sample(self, columns: Columns) -> Part:
        """One row of values that training saw, as far as they are known."""
        kinds = [columns.kind(place) for place in range(columns.width or 1)]
        row = [_USUAL.get(kind.dtype, 0) if kind.example is None else kind.example for kind in kinds]
        return self.of_json([row], columns)


FRAME = Frame()


def _series(pieces: list[Any], kind: Kind) -> Any:
    import pandas

    if all(isinstance(piece, np.ndarray) for piece in pieces):
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    values = [value for piece in pieces for value in (piece.tolist() if isinstance(piece, np.ndarray) else piece)]
    if kind.dtype == "category":
        return pandas.Categorical(values, categories=None if kind.categories is None else list(kind.categories))
    if kind.dtype == "datetime":
        return pandas.to_datetime(values, utc=True)
    if any(isinstance(value, str) for value in values):
        return pandas.Series(values)
    return pandas.Series(values, dtype=object)


class _Column:
    """One column of one body."""

    def __init__(self, columns: Columns, place: int) -> None:
        self._label = columns.name(place)
        self._kind = columns.kind(place)

    def of_values(self, values: list[Any], field: str = "body") -> Any:
        """JSON values. `field` names the place of a row."""
        kind = self._kind
        for row, value in enumerate(values):
            if value is not None and (wanted := _refused(value, kind)):
                raise self._wrong(row, f"is {word(value)}, {wanted}", value, field.format(row))
        if kind.is_number or (not kind.dtype and _all_numbers(values)):
            return self._numbers(values)
        if kind.dtype == "bool" and None not in values:
            return np.array(values, dtype=bool)
        if kind.categories is not None:
            self._known(values, field)
        if kind.dtype == "datetime":
            return self._times(values, field)
        return values

    def of_cells(self, cells: list[str]) -> Any:
        kind = self._kind
        if kind.is_number or not kind.dtype:
            numbers = [number_in(cell) for cell in cells]
            if None not in numbers:
                return self._numbers([None if value is None or math.isnan(value) else value for value in numbers])
            if kind.is_number:
                row = numbers.index(None)
                raise self._wrong(row, "is not a number", cells[row], "body")
        texts = [cell.strip() or None for cell in cells] if kind.dtype != "string" else [cell or None for cell in cells]
        if kind.dtype == "bool":
            for row, cell in enumerate(cells):
                if cell.strip().lower() not in _TRUTHS:
                    raise self._wrong(row, "is neither true nor false", cell, "body")
            return self.of_values([_TRUTHS[cell.strip().lower()] for cell in cells])
        if kind.categories is not None:
            # Categories need not be texts; a cell is.
            meant = {str(category): category for category in kind.categories}
            return self.of_values([None if text is None else meant.get(text, text) for text in texts])
        return self.of_values(texts)

    def of_array(self, array: Array) -> Any:
        kind = self._kind
        if array.dtype.kind in "fiu" and (kind.is_number or not kind.dtype):
            if array.dtype.kind == "f" and np.isinf(array).any():
                raise self._wrong(int(np.isinf(array).argmax()), "is infinite", None, "body")
            return array
        if array.dtype.kind == "M" and kind.dtype in ("datetime", ""):
            return array.astype("datetime64[ns]")
        values = [None if isinstance(value, float) and math.isnan(value) else value for value in array.tolist()]
        return self.of_values(values)

    def _numbers(self, values: list[Any]) -> Array:
        if None not in values and not any(type(value) is float for value in values):
            try:
                return np.array(values, dtype=np.int64)
            except OverflowError:
                pass
        dtype = np.float32 if self._kind.dtype == "float32" else np.float64
        with np.errstate(over="ignore"):
            return np.array(values, dtype=dtype)

    def _known(self, values: list[Any], field: str) -> None:
        categories = self._kind.categories or ()
        known = set(categories)
        for row, value in enumerate(values):
            if value is not None and value not in known:
                raise self._wrong(
                    row, "is not one of its categories", value, field.format(row), f"They are {listed(categories, 20)}."
                )

    def _times(self, values: list[Any], field: str) -> Any:
        import pandas

        try:
            found = pandas.to_datetime(values, format="ISO8601")
        except (ValueError, TypeError, OverflowError):
            for row, value in enumerate(values):
                try:
                    pandas.to_datetime(value, format="ISO8601")
                except (ValueError, TypeError, OverflowError):
                    raise self._wrong(row, "is not a time", value, field.format(row), "Write times as ISO 8601.") from None
            raise self._wrong(0, "and others have and have no time zone", values[0], field.format(0)) from None
        return found.to_numpy(dtype="datetime64[ns]") if found.tz is None else list(found)

    def _wrong(self, row: int, what: str, value: Any, field: str, remedy: str | None = None) -> Invalid:
        plain = not isinstance(value, (list, dict)) and value is not None
        return Invalid(
            f"Row {row + 1}, column {self._label}{f': {shown(value)}' if plain else ''} {what}.",
            field=field,
            value=value if plain else None,
            remedy=remedy or "Write null for a value that is missing.",
        )


def _refused(value: Any, kind: Kind) -> str | None:
    """What was expected instead of a value of this type, if it was not this."""
    if isinstance(value, (list, dict)):
        return "not a single value"
    number = isinstance(value, (int, float))
    if kind.is_number:
        return None if number else "not a number"
    if kind.dtype == "bool":
        return None if value in (True, False) and number else "not true or false"
    if kind.dtype in ("string", "datetime"):
        return None if isinstance(value, str) else "not a text" if kind.dtype == "string" else "not a time as text"
    return None


def _all_numbers(values: list[Any]) -> bool:
    return all(value is None or type(value) in (int, float) for value in values)

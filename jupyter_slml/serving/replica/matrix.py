"""Rows for a model that takes numbers: one matrix, missing values as NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from jupyter_slml.errors import Invalid
from jupyter_slml.serving.replica.columns import Columns, shown, word

Array = np.ndarray[Any, Any]

#: What a CSV cell may say for a missing value.
MISSING = frozenset({"", "na", "nan", "null", "none"})


class Matrix:
    """Turns checked or unchecked values into a C-contiguous matrix of one dtype. All methods raise Invalid."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    def of_json(self, rows: list[list[Any]], columns: Columns) -> Array:
        """`rows` are lists of one length."""
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                if type(value) not in (float, int, bool) and value is not None:
                    raise Invalid(
                        f"Row {number + 1}, column {columns.name(place)}: {shown(value)} is {word(value)}, not a number."
                        if not isinstance(value, (list, dict))
                        else f"Row {number + 1}, column {columns.name(place)} is {word(value)}, not a number.",
                        field=f"instances[{number}][{place}]",
                        value=value if isinstance(value, str) else None,
                        remedy="Send numbers without quotes, and null for a missing value.",
                    )
        return self._numbers(rows, columns)

    def of_cells(self, lines: list[list[str]], columns: Columns) -> Array:
        """`lines` are the cells of a CSV file, of one length."""
        table = []
        for number, cells in enumerate(lines):
            row = [number_in(cell) for cell in cells]
            if None in row:
                place = row.index(None)
                raise Invalid(
                    f"Row {number + 1}, column {columns.name(place)}: {cells[place][:60]!r} is not a number.",
                    field="body",
                    value=cells[place],
                    remedy="Write numbers, and leave the cell empty for a missing value.",
                )
            table.append(row)
        return self._numbers(table, columns)

    def of_array(self, array: Array, columns: Columns) -> Array:
        """`array` is of any kind of numbers; NaN means missing, infinity is refused."""
        if array.dtype.kind not in "fiub":
            raise Invalid(
                f"The array holds {array.dtype}, not numbers.",
                field="body",
                value=str(array.dtype),
                remedy="Send an array of floats or integers.",
            )
        if array.dtype.kind == "f":
            self._refuse_infinite(array, columns)
        if self.dtype.kind in "iu" and array.dtype.kind == "f":
            return self._whole(array, columns)
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype=self.dtype)

    def of_arrays(self, arrays: Sequence[Array], columns: Columns) -> Array:
        """One array of values per column."""
        return self.of_array(np.stack([np.asarray(array) for array in arrays], axis=1), columns)

    def join(self, parts: Sequence[Array]) -> Array:
        """The rows of several bodies one below the other."""
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def sample(self, columns: Columns) -> Array:
        """One row that any model takes."""
        return np.zeros((1, columns.width or 1), dtype=self.dtype)

    def _numbers(self, rows: list[list[Any]], columns: Columns) -> Array:
        # A number beyond float32 becomes infinite, which is on the right side of every split.
        with np.errstate(over="ignore"):
            if self.dtype.kind == "f":
                return np.array(rows, dtype=self.dtype)
            return self._whole(np.array(rows, dtype=np.float64), columns)

    def _whole(self, array: Array, columns: Columns) -> Array:
        """Numbers as integers or truth values; what is neither is refused and not rounded."""
        limits = np.iinfo(self.dtype) if self.dtype.kind in "iu" else None
        low, high = (limits.min, limits.max) if limits else (0, 1)
        wrong = ~((array == np.floor(array)) & (array >= low) & (array <= high))
        if wrong.any():
            row, place = (int(index) for index in np.argwhere(wrong)[0][:2])
            value = array[row, place]
            what = "null" if math.isnan(value) else f"{value:g}"
            raise Invalid(
                f"Row {row + 1}, column {columns.name(place)}: {what} is not one of {self.dtype}'s numbers.",
                field=f"instances[{row}][{place}]",
                value=what,
                remedy=f"The model takes whole numbers between {low} and {high}.",
            )
        return np.ascontiguousarray(array, dtype=self.dtype)

    def _refuse_infinite(self, array: Array, columns: Columns) -> None:
        infinite = np.isinf(array)
        if infinite.any():
            row, place = (int(index) for index in np.argwhere(infinite)[0][:2])
            raise Invalid(
                f"Row {row + 1}, column {columns.name(place)} is infinite.",
                field=f"instances[{row}][{place}]",
                value="Infinity",
                remedy="Send finite numbers, and NaN for a missing value.",
            )


def number_in(cell: str) -> float | None:
    """The number in a CSV cell, NaN for a missing one; None when it is neither (Python's 1_000 is not CSV's)."""
    text = cell.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        return None if "_" in text or (math.isinf(value := float(text)) and "inf" in text.lower()) else value
    except ValueError:
        return None


@lru_cache(maxsize=8)
def matrix(dtype: str) -> Matrix:
    return Matrix(dtype)

"""From an Arrow batch to what a model takes: a matrix in one buffer that is used again, or a DataFrame as in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from jupyter_slml.compute.batch.columns import kinds

Array = np.ndarray[Any, Any]


class Ready(NamedTuple):
    """What the model gets, and (index, reason) of the rows that it must not get."""

    data: Any
    bad: list[tuple[int, str]]


class MatrixInput:
    """Rows of one number type; what is missing is NaN. The matrix is overwritten by the next batch."""

    def __init__(self, features: Sequence[str], dtype: str) -> None:
        self._features = list(features)
        self._dtype = np.dtype(dtype)
        self._buffer: Array = np.empty((0, len(self._features)), self._dtype)

    def __call__(self, batch: pa.RecordBatch) -> Ready:
        count = batch.num_rows
        if len(self._buffer) < count:
            self._buffer = np.empty((count, len(self._features)), self._dtype)
        rows = self._buffer[:count]
        wrong: dict[int, str] = {}
        for place, name in enumerate(self._features):
            column = batch.column(name)
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            values = column.to_numpy(zero_copy_only=False)
            if values.dtype == object:
                values = np.array([np.nan if value is None else float(value) for value in values])
            if self._dtype.kind in "iu" and values.dtype.kind == "f":
                for index in np.flatnonzero(~(values == np.floor(values))):
                    wrong.setdefault(int(index), f"column {name!r}: {values[index]:g} is no whole number")
                values = np.nan_to_num(values)
            with np.errstate(over="ignore"):
                rows[:, place] = values
        return Ready(rows, sorted(wrong.items()))


class FrameInput:
    """A DataFrame with the columns in the kinds of the training."""

    def __init__(self, features: Sequence[str], signature: dict[str, Any] | None) -> None:
        self._features = list(features)
        self._kinds = kinds(signature)

    def __call__(self, batch: pa.RecordBatch) -> Ready:
        import pandas

        wrong: dict[int, str] = {}
        found: dict[str, Any] = {}
        for name in self._features:
            known = self._kinds.get(name, {})
            column = batch.column(name)
            match known.get("dtype"):
                case "category" if known.get("categories") is not None:
                    found[name] = _categories(name, column, known["categories"], wrong)
                case "datetime" if pa.types.is_string(column.type):
                    found[name] = _times(name, column, wrong)
                case _:
                    found[name] = column.to_pandas()
        return Ready(pandas.DataFrame(found, copy=False), sorted(wrong.items()))


def _categories(name: str, column: pa.Array, categories: list[Any], wrong: dict[int, str]) -> Any:
    import pandas

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values = column.to_pandas()
    if any(not isinstance(label, str) for label in categories) and pa.types.is_string(column.type):
        meant = {str(label): label for label in categories}
        values = values.map(lambda value: meant.get(value, value))
    made = pandas.Categorical(values.where(values.isin(categories)), categories=categories)
    for index in np.flatnonzero((made.codes < 0) & values.notna().to_numpy()):
        wrong[int(index)] = f"column {name!r}: {str(values.iloc[index])[:60]!r} is not one of its categories"
    return made


def _times(name: str, column: pa.Array, wrong: dict[int, str]) -> Any:
    import pandas

    texts = column.to_pandas()
    times = pandas.to_datetime(texts, format="ISO8601", errors="coerce")
    for index in np.flatnonzero((times.isna() & texts.notna()).to_numpy()):
        wrong[int(index)] = f"column {name!r}: {texts.iloc[index][:60]!r} is not a time"
    return times

"""The rows that models were trained with: a copy of some of them, taken when a fit has ended.

A copy, because cells change their frames afterwards; of some, because a fit must not take noticeably longer. What is made of
it (ranges, counts) is made when the cell has ended, for the models that it left.
"""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np

#: Rows of a sample, and its values (rows times columns).
ROWS = 100_000
VALUES = 5_000_000
#: Rows when own computing has used up its time: enough for bins of a tenth each.
FEW_ROWS = 5_000
#: Bytes of all samples that are kept; the oldest goes first.
MOST_BYTES = 256 * 2**20
#: Seconds per value that looking for the ends of all rows takes.
_LOOK = 5e-9


class Sample:
    """`rows`: some rows as they were given to `fit`, a DataFrame or a matrix. `total`: how many there were."""

    def __init__(self, rows: Any, total: int, ends: dict[str, tuple[float, float]]) -> None:
        self.rows = rows
        self.total = total
        #: Lowest and highest value of a column among all rows, where the sample is only a part of them.
        self.ends = ends

    def frame(self) -> Any:
        """The rows as a DataFrame; columns without names are called f0, f1, ….."""
        import pandas as pd

        if isinstance(self.rows, pd.DataFrame):
            return self.rows.set_axis([str(name) for name in self.rows.columns], axis=1)
        return pd.DataFrame(self.rows, columns=[f"f{place}" for place in range(self.rows.shape[1])], copy=False)

    @property
    def nbytes(self) -> int:
        if hasattr(self.rows, "memory_usage"):
            return int(self.rows.memory_usage(deep=False).sum())
        return int(self.rows.nbytes)


class Samples:
    """By model, for as long as it lives. Not thread-safe beyond what dicts are."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[weakref.ref[Any], Sample]] = OrderedDict()

    def remember(self, model: Any, features: Any, budget: float) -> None:
        """Keep some rows of `features` as those of `model`. `budget`: seconds that it may take. Features that are no table
        (texts, images) are left."""
        sample = take(features, budget)
        if sample is None:
            return
        key = id(model)
        self._kept.pop(key, None)
        self._kept[key] = (weakref.ref(model, lambda gone: self._forget(key, gone)), sample)
        while len(self._kept) > 1 and sum(item.nbytes for _, item in self._kept.values()) > MOST_BYTES:
            self._kept.popitem(last=False)

    def of(self, model: Any) -> Sample | None:
        found = self._kept.get(id(model))
        return found[1] if found is not None and found[0]() is model else None

    def _forget(self, key: int, gone: weakref.ref[Any]) -> None:
        found = self._kept.get(key)
        if found is not None and found[0] is gone:
            del self._kept[key]


def take(features: Any, budget: float) -> Sample | None:
    """Rows at even distances. None for what is no table."""
    if type(features).__module__.partition(".")[0] == "xgboost":
        return _of_matrix(features, budget)
    if isinstance(features, list):
        features = np.asarray(features)
    shape: tuple[int, ...] = getattr(features, "shape", ())
    if len(shape) != 2 or 0 in shape:
        return None
    total, columns = int(shape[0]), int(shape[1])
    places = _places(total, columns, budget)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(features, pandas.DataFrame):
        rows = features.iloc[places] if places is not None else features.copy()
        rows = rows.reset_index(drop=True)
    elif isinstance(features, np.ndarray):
        rows = np.array(features) if places is None else features[places]
    elif hasattr(features, "tocsr"):
        matrix = features.tocsr()
        rows = (matrix if places is None else matrix[places]).toarray()
    elif hasattr(features, "to_pandas"):
        rows = (features if places is None else features[places.tolist()]).to_pandas()
    else:
        return None
    enough = budget > total * columns * _LOOK
    return Sample(rows, total, _ends(features) if places is not None and enough else {})


def _places(total: int, columns: int, budget: float) -> Any:
    """Which rows; None for all."""
    most = max(1, min(ROWS if budget > 0 else FEW_ROWS, VALUES // max(1, columns)))
    return None if total <= most else np.linspace(0, total - 1, most).astype(np.int64)


def _ends(features: Any) -> dict[str, tuple[float, float]]:
    if isinstance(features, np.ndarray) and features.dtype.kind in "fiu":
        low, high = np.fmin.reduce(features, axis=0), np.fmax.reduce(features, axis=0)
        return {f"f{place}": (low[place].item(), high[place].item()) for place in range(features.shape[1])}
    if hasattr(features, "select_dtypes"):
        numbers = features.select_dtypes("number")
        low, high = numbers.min(), numbers.max()
        return {str(name): (_plain(low[name]), _plain(high[name])) for name in numbers.columns}
    return {}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _of_matrix(matrix: Any, budget: float) -> Sample | None:
    """Of an xgboost DMatrix, which keeps what is there of each row; a quantile matrix keeps no values."""
    total, columns = matrix.num_row(), matrix.num_col()
    if not total or not columns or type(matrix).__name__ != "DMatrix":
        return None
    places = _places(total, columns, budget)
    found = (matrix if places is None else matrix.slice(places)).get_data()
    rows = np.full(found.shape, np.nan, dtype=np.float32)
    lines = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    rows[lines, found.indices] = found.data
    if matrix.feature_names:
        import pandas as pd

        return Sample(pd.DataFrame(rows, columns=matrix.feature_names, copy=False), total, {})
    return Sample(rows, total, {})

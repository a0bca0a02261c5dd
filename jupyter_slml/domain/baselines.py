"""How training data and predictions are distributed: counts in bins that later requests are counted in, too.

A numeric column has edges at its quantiles (or at each of few distinct values); the bin of `x` is
`searchsorted(edges, x, side="right")`, so there is one bin more than edges. Missing values are counted apart. A text or
category column has its most frequent values and a count of all others. Counts of two windows add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue

from jupyter_slml.domain.signatures import dtype_name

#: Bins of a numeric column, and how many distinct values still get a bin each.
BINS = 10
DISTINCT = 20
#: Values of a text or category column that are counted by themselves.
VALUES = 50

Counts = dict[str, JsonValue]


def baseline(columns: Iterable[tuple[str, Any]], predictions: Any, rows: int) -> Counts:
    """`{rows, features: {name: counts}, prediction: counts | None}`.

    `columns` are pandas Series of the same rows; `predictions` has one line per row that was predicted (fewer rows may be):
    a vector, or a matrix of which the largest place is counted. `rows` says how many were trained with.
    """
    import pandas as pd

    found: dict[str, JsonValue] = {}
    counted = 0
    for name, values in columns:
        counted = len(values)
        if dtype_name(values) not in ("object", "datetime"):
            found[name] = dict(count(values))
    answer: JsonValue = None
    if predictions is not None and len(predictions):
        if predictions.ndim == 2:
            # The most probable class, by its number.
            predictions = predictions.argmax(axis=1).astype(str)
        answer = dict(count(pd.Series(predictions)))
    return {"rows": counted, "trained_rows": rows, "features": found, "prediction": answer}


def count(values: Any) -> Counts:
    """The counts of a pandas Series: `{kind: numeric, edges, counts, …}` or `{kind: categorical, values, counts, other}`."""
    missing = values.isna()
    nulls = int(missing.sum())
    present = values[~missing] if nulls else values
    if dtype_name(values) in ("string", "category", "object", "bool"):
        return {**_categorical(present), "nulls": nulls}
    return {**_numeric(present.to_numpy("float64")), "nulls": nulls}


def _categorical(present: Any) -> Counts:
    import pandas as pd

    if isinstance(present.dtype, pd.CategoricalDtype):
        present = present.astype(present.cat.categories.dtype)
    frequent = present.value_counts()
    top = frequent.iloc[:VALUES]
    return {
        "kind": "categorical",
        "values": [str(value) for value in top.index],
        "counts": [int(number) for number in top],
        "other": int(frequent.sum() - top.sum()),
    }


def _numeric(values: Any) -> Counts:
    import numpy as np

    finite = values[np.isfinite(values)]
    edges = cuts(finite)
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    some = len(finite) > 0
    return {
        "kind": "numeric",
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "min": float(finite.min()) if some else None,
        "max": float(finite.max()) if some else None,
        "mean": float(finite.mean()) if some else None,
        "variance": float(finite.var()) if some else None,
    }


def cuts(values: Any) -> Any:
    """Edges for finite values, rising: at the quantiles, or below each but the lowest of few distinct values."""
    import numpy as np

    if not len(values):
        return np.empty(0)
    # A few rows tell at once that there are many distinct values; sorting all of them would take most of the time.
    if len(np.unique(values[:: max(1, len(values) // 1000)])) <= DISTINCT:
        distinct = np.unique(values)
        if len(distinct) <= DISTINCT:
            return distinct[1:]
    places = np.arange(1, BINS) * (len(values) - 1) // BINS
    edges = np.unique(np.partition(values, places)[places])
    low = values.min()
    if edges[0] == low:
        # Many values are the lowest one: they get a bin of their own.
        edges = np.unique(np.append(edges[1:], values[values > low].min()))
    return edges

"""Counts of training data: what a bin is, what is counted apart, and that windows are counted the same way."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_slml.domain.baselines import BINS, DISTINCT, VALUES, baseline, count
from jupyter_slml.domain.signatures import inputs, takes_frame


def recounted(found: dict[str, Any], values: Any) -> list[int]:
    """As a replica counts: `searchsorted` from the right."""
    edges = np.array(found["edges"])
    counts: list[int] = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1).tolist()
    return counts


def test_bins_of_a_column_hold_a_tenth_each() -> None:
    values = np.random.default_rng(0).normal(size=5_000)
    found: Any = count(pd.Series(values))
    assert len(found["edges"]) == BINS - 1 and len(found["counts"]) == BINS
    assert all(abs(number - 500) <= 1 for number in found["counts"]) and sum(found["counts"]) == 5_000
    assert found["counts"] == recounted(found, values)
    assert found["mean"] == pytest.approx(values.mean()) and found["variance"] == pytest.approx(values.var())


@pytest.mark.parametrize("distinct", [1, 2, DISTINCT])
def test_few_distinct_values_have_a_bin_each(distinct: int) -> None:
    values = np.arange(600) % distinct
    found: Any = count(pd.Series(values))
    assert found["counts"] == np.bincount(values).tolist() == recounted(found, values)


def test_many_lowest_values_have_a_bin_of_their_own() -> None:
    values = np.concatenate([np.zeros(700), np.linspace(1, 2, 300)])
    found: Any = count(pd.Series(values))
    assert found["counts"][0] == 700 and sum(found["counts"]) == 1000 and 0 not in found["counts"]


def test_missing_and_infinite_values() -> None:
    found: Any = count(pd.Series([1.0, np.nan, np.inf, -np.inf, 2.0, None]))
    assert found["nulls"] == 2 and sum(found["counts"]) == 4 and (found["min"], found["max"]) == (1.0, 2.0)
    nothing: Any = count(pd.Series([np.nan, np.nan]))
    assert nothing["nulls"] == 2 and nothing["counts"] == [0] and nothing["mean"] is None
    json.dumps([found, nothing], allow_nan=False)


def test_texts_categories_and_truths() -> None:
    texts = pd.Series([f"t{place % (VALUES + 10)}" for place in range(1000)] + [None])
    found: Any = count(texts)
    assert len(found["values"]) == VALUES and found["nulls"] == 1
    assert sum(found["counts"]) + found["other"] == 1000 and found["other"] > 0
    assert count(pd.Series([True, False, True]))["counts"] == [2, 1]
    kinds: Any = count(pd.Series(["a", "b", "a", None], dtype="category"))
    assert (kinds["values"], kinds["counts"], kinds["nulls"]) == (["a", "b"], [2, 1], 1)


def test_predictions_of_classes_and_of_values() -> None:
    columns = {"a": pd.Series([1.0, 2.0, 3.0])}
    many: Any = baseline(columns.items(), np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), 30)
    assert many["prediction"]["values"] == ["1", "0"] and (many["rows"], many["trained_rows"]) == (3, 30)
    assert baseline(columns.items(), None, 3)["prediction"] is None
    labels: Any = baseline(columns.items(), np.array(["x", "y", "x"]), 3)
    assert labels["prediction"]["counts"] == [2, 1]


def test_inputs_say_kind_and_range() -> None:
    frame = pd.DataFrame(
        {
            "n": [1.5, None, 3.0],
            "i": [3, 1, 2],
            "b": [True, False, True],
            "t": ["b", "a", None],
            "c": pd.Categorical(["x", "y", "x"], categories=["x", "y", "z"]),
            "d": pd.to_datetime(["2026-01-01", "2026-01-02", None]),
        }
    )
    found: Any = {item["name"]: item for item in inputs(frame.items()) if isinstance(item, dict)}
    assert found["n"] == {"name": "n", "dtype": "float64", "nulls": 1, "min": 1.5, "max": 3.0}
    assert found["i"] == {"name": "i", "dtype": "int64", "nulls": 0, "min": 1, "max": 3}
    assert found["b"]["dtype"] == "bool" and found["d"] == {"name": "d", "dtype": "datetime", "nulls": 1}
    assert found["t"] == {"name": "t", "dtype": "string", "nulls": 1, "values": ["a", "b"]}
    assert found["c"] == {"name": "c", "dtype": "category", "nulls": 0, "categories": ["x", "y", "z"]}
    json.dumps(found, allow_nan=False)
    assert takes_frame({"inputs": [found["c"]]}) and not takes_frame({"inputs": [found["n"], found["b"]]})
    assert not takes_frame(None)

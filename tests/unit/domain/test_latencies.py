"""A quantile is within six percent of the truth, for any spread of values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_slml.domain.latencies import Histogram, quantile


def test_without_values_there_is_none() -> None:
    assert Histogram().quantile(0.5) is None


@given(st.lists(st.floats(1e-5, 100), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_close(values: list[float], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    true = sorted(values)[math.ceil(share * len(values)) - 1] * 1000
    assert histogram.quantile(share) == pytest.approx(true, rel=0.07, abs=0.001)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e12])
def test_impossible_values_do_no_harm(value: float) -> None:
    histogram = Histogram()
    histogram.add(value)
    assert histogram.total == 1


def test_differences_and_sums_of_counts_are_histograms() -> None:
    histogram = Histogram()
    histogram.add(0.001)
    before = histogram.sparse()
    for _ in range(9):
        histogram.add(0.5)
    after = histogram.sparse()
    assert histogram.quantile(0.05) == pytest.approx(1, rel=0.07)
    between = {bucket: count - before.get(bucket, 0) for bucket, count in after.items()}
    assert quantile(between, 0.01) == pytest.approx(500, rel=0.07)
    assert quantile({}, 0.5) is None

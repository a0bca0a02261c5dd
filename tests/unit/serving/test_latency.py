"""A quantile is within six percent of the truth, for any spread of values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_slml.serving.gateway.latency import Histogram


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

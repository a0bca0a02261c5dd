"""Rows on their way to an endpoint and back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.endpoint import decode_predictions, encode_rows


@pytest.mark.parametrize(
    ("rows", "body"),
    [
        (pd.DataFrame({"a": [1, 2], "b": [0.5, None]}), {"columns": ["a", "b"], "data": [[1.0, 0.5], [2.0, None]]}),
        (pd.DataFrame({"a": [1], "s": ["x"]}), {"columns": ["a", "s"], "data": [[1, "x"]]}),
        (pd.DataFrame({"a": [1.0, 2.0]}).iloc[0], {"columns": ["a"], "data": [[1.0]]}),
        (np.array([[1, 2], [3, 4]]).T, [[1, 3], [2, 4]]),
        (np.array([1.0, np.nan]), [[1.0, None]]),
        ([[1, 2.5]], [[1, 2.5]]),
        ([1, 2], [[1, 2]]),
        ([{"a": 1}], {"instances": [{"a": 1}]}),
        ({"instances": [[1]]}, {"instances": [[1]]}),
    ],
)
def test_bodies(rows: object, body: object) -> None:
    assert json.loads(encode_rows(rows)) == body


def test_floats_arrive_as_they_are() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    assert np.array_equal(np.array(json.loads(encode_rows(values))), values)


@pytest.mark.parametrize("rows", ["text", 5, None, [[object()]]])
def test_what_is_no_table_is_refused(rows: object) -> None:
    with pytest.raises(Invalid, match="rows"):
        encode_rows(rows)


def test_answers() -> None:
    answer = b'{"predictions": [0.5, 1]}'
    assert decode_predictions(answer, as_list=True) == [0.5, 1]
    assert isinstance(decode_predictions(answer, as_list=False), np.ndarray)

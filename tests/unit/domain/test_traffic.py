"""Shares of traffic: read, checked, admitted, taken out."""

from __future__ import annotations

import pytest

from jupyter_slml.domain.traffic import admit, check_shares, largest, read_shares, without
from jupyter_slml.errors import Invalid


def test_shares_are_read_as_people_write_them() -> None:
    assert read_shares(["7=90", "8=10"]) == {"7": 90, "8": 10}
    assert read_shares(["churn@7=0", "v8=100%"]) == {"churn@7": 0, "v8": 100}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["7=90", "8=20"], "The shares must sum to 100, and 90 + 20 is 110."),
        ([], "The shares must sum to 100, and nothing is 0."),
        (["7"], "'7' is no share: it is written REVISION=PERCENT"),
        (["=100"], "'=100' is no share"),
        (["7=9.5"], "'7=9.5' is no share"),
        (["7=-5"], "'7=-5' is no share"),
        (["7=99999999999999999999"], "is no share"),
        (["7=50", "7=50"], "7 has two shares."),
    ],
)
def test_what_is_no_share_is_told(words: list[str], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_shares(words)
    assert message in caught.value.message and caught.value.remedy


def test_shares_of_python_are_checked_too() -> None:
    for shares in ({"1": 0.5, "2": 99.5}, {"1": -10, "2": 110}, {"1": True, "2": 99}):
        with pytest.raises(Invalid, match="whole percents"):
            check_shares(shares)  # type: ignore[arg-type]


def test_a_new_revision_takes_its_share_of_all() -> None:
    assert admit({}, "a", 10) == {"a": 100}
    assert admit({"a": 100}, "b", 100) == {"b": 100}
    assert admit({"a": 90, "b": 10}, "c", 50) == {"a": 45, "b": 5, "c": 50}
    assert admit({"a": 67, "b": 33}, "c", 1) == {"a": 66, "b": 33, "c": 1}
    assert without({"a": 45, "b": 5, "c": 50}, "c") == {"a": 90, "b": 10}
    assert without({"a": 100}, "a") == {} and largest({}) is None and largest({"a": 50, "b": 50}) == "a"

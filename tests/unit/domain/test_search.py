from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jupyter_slml.domain.search import grid_size, parse_parameter, parse_space


def test_each_kind_is_read() -> None:
    depth, eta, step, booster = parse_space(
        ["max_depth=3..10", "eta=0.01..0.3:log", "x=0..1:step0.1", "booster=gbtree,dart,3,2.5,true,none"]
    )
    assert (depth.kind, depth.low, depth.high, depth.points) == ("int", 3, 10, [3, 4, 5, 6, 7, 8, 9, 10])
    assert (eta.kind, eta.low, eta.high, eta.log, eta.points) == ("float", 0.01, 0.3, True, None)
    assert step.points == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert booster.choices == ["gbtree", "dart", 3, 2.5, True, None]


@pytest.mark.parametrize(
    "text",
    [
        "max_depth=3..10",
        "eta=0.01..0.3:log",
        "x=-1.5..2.5:step0.5",
        "n=16..512:step16",
        "booster=gbtree,dart",
        'text="a, b",none,1,true',
        "gamma=0.0..5.0 if booster=gbtree,dart",
    ],
)
def test_what_it_prints_is_what_it_reads(text: str) -> None:
    entry = parse_parameter(text)
    assert parse_parameter(str(entry)) == entry


@given(some.floats(allow_nan=False, allow_infinity=False), some.floats(min_value=1e-6, max_value=1e6))
def test_any_range_survives_a_round_trip(low: float, width: float) -> None:
    if low + width > low:
        entry = parse_parameter(f"x={low!r}..{low + width!r}")
        assert entry.low == low and entry.high == low + width
        assert parse_parameter(str(entry)) == entry


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "no search"),
        ("x=", "no search"),
        ("x=10..3", "is empty"),
        ("x=3..3", "single value"),
        ("x=5", "-p x=5"),
        ("x=0..1:log", "above zero"),
        ("x=-1..1:log", "above zero"),
        ("x=1..9:log:step2", "both"),
        ("x=1..9:step0", "step"),
        ("x=1..9:step-1", "step"),
        ("x=1..9:step20", "step"),
        ("x=1..9:fast", ":log or :step"),
        ("x=1..nine", "no range"),
        ("x=1e999..2e999", "finite"),
        ("x=a,,b", "empty choice"),
        ("x=a,b,a", "twice"),
        ("x=[1],[2]", "cannot be a choice"),
        ("1x=1..2", "not the name"),
        ("class=1..2", "not the name"),
        ("trial=1..2", "meaning of its own"),
        ("x=1..2 if x=1", "itself"),
    ],
)
def test_what_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_parameter(text)


def test_entries_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="searched twice"):
        parse_space(["x=1..2", "x=3..4"])
    with pytest.raises(ValueError, match="not searched before"):
        parse_space(["rate=0.1..0.5 if booster=dart", "booster=gbtree,dart"])
    with pytest.raises(ValueError, match="never has"):
        parse_space(["booster=gbtree,dart", "rate=0.1..0.5 if booster=linear"])


def test_a_condition_decides_whether_a_parameter_applies() -> None:
    _, rate = parse_space(["booster=gbtree,dart", "rate=0.1..0.5 if booster=dart"])
    assert rate.applies({"booster": "dart"})
    assert not rate.applies({"booster": "gbtree"})
    assert not rate.applies({})


def test_a_grid_needs_points() -> None:
    assert grid_size(parse_space(["a=1..3", "b=0..1:step0.5", "c=x,y"])) == 18
    with pytest.raises(ValueError, match=r"continuous range a=0\.0\.\.1\.0.*step"):
        grid_size(parse_space(["a=0.0..1.0"]))
    with pytest.raises(ValueError, match="condition"):
        grid_size(parse_space(["a=x,y", "b=1..3 if a=x"]))
    with pytest.raises(ValueError, match="100,000"):
        grid_size(parse_space(["a=1..1000", "b=1..1000"]))
    with pytest.raises(ValueError, match="--search"):
        grid_size([])

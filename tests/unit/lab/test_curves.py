"""Curves: few points, and the shape of the many."""

from __future__ import annotations

import math
from typing import Any

from jupyter_slml.domain.curves import curves, thinned


def test_points_are_sorted_by_metric() -> None:
    points = [{"step": 3, "values": {"auc": 0.5, "loss": 1.0}}, {"step": 6, "values": {"auc": 0.7}}]
    assert curves(points) == {"auc": [[3, 0.5], [6, 0.7]], "loss": [[3, 1.0]]}


def test_points_without_a_step_are_counted() -> None:
    points: list[dict[str, Any]] = [{"step": None, "values": {"auc": 0.5}}, {"values": {"auc": 0.6}}]
    assert curves(points) == {"auc": [[0, 0.5], [1, 0.6]]}


def test_an_attempt_writes_on_from_its_first_step() -> None:
    """What the attempt before had logged beyond the checkpoint is dropped; a metric that it leaves alone stays whole."""
    first = [{"attempt": 1, "step": step, "values": {"loss": 9.0 - step, "rate": 1.0}} for step in range(6)]
    second = [{"attempt": 2, "step": step, "values": {"loss": 0.5}} for step in (4, 7)]
    found = curves([*first, *second])
    assert found["loss"] == [[0, 9.0], [1, 8.0], [2, 7.0], [3, 6.0], [4, 0.5], [7, 0.5]]
    assert [step for step, _ in found["rate"]] == [0, 1, 2, 3, 4, 5]


def test_without_steps_the_newest_attempt_starts_over() -> None:
    points = [{"attempt": attempt, "values": {"auc": attempt / 10}} for attempt in (1, 1, 1, 2, 2)]
    assert curves(points) == {"auc": [[0, 0.2], [1, 0.2]]}


def test_what_cannot_be_drawn_is_left_out() -> None:
    points = [{"step": step, "values": {"loss": value}} for step, value in enumerate([math.nan, math.inf, None, 2.0])]
    assert curves(points) == {"loss": [[3, 2.0]]}


def test_a_million_points_become_a_hundred_and_no_spike_is_lost() -> None:
    curve = [[float(step), 1.0] for step in range(1_000_000)]
    curve[123_456][1], curve[777_777][1] = -5.0, 9.0
    drawn = thinned(curve)
    assert len(drawn) <= 100
    assert (drawn[0], drawn[-1]) == (curve[0], curve[-1])
    assert [123_456.0, -5.0] in drawn and [777_777.0, 9.0] in drawn
    assert drawn == sorted(drawn)

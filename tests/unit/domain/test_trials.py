from __future__ import annotations

from typing import Any

from jupyter_slml.domain.specs import Objective
from jupyter_slml.domain.trials import Trial, best, fold, front, thinned

LOSS = Objective(metric="loss", direction="minimize")
AUC = Objective(metric="auc", direction="maximize")


def line(number: int, state: str, **more: Any) -> dict[str, Any]:
    return {"trial": {"number": number, "state": state, **more}}


def complete(number: int, **values: float) -> Trial:
    return Trial(number=number, state="complete", values=values)


def test_later_lines_complete_earlier_ones() -> None:
    study = fold(
        [
            (1, {"head": {"seen": {}, "hoisted": 3, "parallel": 2, "most": 9}}),
            (1, line(0, "running", params={"x": 1}, started_at=10.0)),
            (1, line(1, "running", params={"x": 2}, started_at=11.0)),
            (1, line(0, "complete", values={"loss": 0.5}, ended_at=12.0)),
            (1, {"study": {"ended": "all", "importances": {"x": 1.0}}}),
        ]
    )
    assert [(trial.number, trial.state) for trial in study.trials] == [(0, "complete"), (1, "running")]
    assert study.trials[0].params == {"x": 1} and study.trials[0].seconds == 2.0
    assert (study.hoisted, study.parallel, study.ended, study.lines) == (3, 2, "all", {1: 5})


def test_what_a_lost_attempt_had_under_way_is_stopped_until_it_runs_again() -> None:
    lines = [
        (1, {"head": {"seen": {}}}),
        (1, line(0, "running", params={"x": 1}, intermediate=[[1, 0.5]])),
        (2, {"head": {"seen": {"1": 2}}}),
    ]
    assert [trial.state for trial in fold(lines).trials] == ["stopped"]
    again = fold([*lines, (2, line(0, "running", params={"x": 1}))])
    assert again.trials[0].state == "running" and again.trials[0].intermediate == [] and again.trials[0].attempt == 2
    assert fold([*lines, (2, line(0, "running", params={"x": 1}))], final=True).trials[0].state == "stopped"


def test_lines_of_an_attempt_that_had_been_given_up_count_for_nothing() -> None:
    lines = [
        (1, {"head": {"seen": {}}}),
        (1, line(0, "running", params={"x": 1})),
        # It went on, unknown to the second attempt, which had read two lines.
        (1, line(0, "complete", values={"loss": 9.0})),
        (1, line(7, "complete", values={"loss": 0.0})),
        (2, {"head": {"seen": {"1": 2}}}),
        (2, line(0, "complete", values={"loss": 1.0})),
    ]
    assert [(trial.number, trial.values["loss"]) for trial in fold(lines).trials] == [(0, 1.0)]


def test_the_best_is_the_earliest_of_the_best() -> None:
    trials = [complete(0, loss=2), complete(1, loss=1), complete(2, loss=1), Trial(number=3, state="failed")]
    found = best(trials, [LOSS])
    assert found is not None and found.number == 1
    assert [trial.number for trial in front(trials, [LOSS])] == [1]
    assert best([Trial(number=3, state="failed")], [LOSS]) is None


def test_the_front_holds_what_no_other_beats_in_all() -> None:
    trials = [
        complete(0, auc=0.9, loss=5),
        complete(1, auc=0.8, loss=1),
        complete(2, auc=0.7, loss=2),
        complete(3, auc=0.5, loss=0),
    ]
    assert [trial.number for trial in front(trials, [AUC, LOSS])] == [0, 1, 3]
    # The knee: 0.8 and 1 are near to the best of both.
    found = best(trials, [AUC, LOSS])
    assert found is not None and found.number == 1


def test_a_curve_keeps_its_end_when_it_is_thinned() -> None:
    points = [(step, float(step)) for step in range(1001)]
    kept = thinned(points, 100)
    assert len(kept) <= 101 and kept[-1] == (1000, 1000.0) and kept[0] == (0, 0.0)

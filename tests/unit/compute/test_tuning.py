"""What the coordinator goes by: budgets, the study that records rebuild, and the words of a trial."""

from __future__ import annotations

import io
import socket
from typing import Any

from jupyter_slml.compute.tuning.budget import Budget
from jupyter_slml.compute.tuning.marks import LineMarks
from jupyter_slml.compute.tuning.optimizer import Optimizer
from jupyter_slml.compute.wire import Link, pair
from jupyter_slml.domain.specs import TuneSpec
from jupyter_slml.domain.trials import Trial, best, front


def options(**given: Any) -> TuneSpec:
    return TuneSpec.parse({"minimize": ["loss"], **given})


def run(optimizer: Optimizer, first: int, count: int, again: dict[str, Any] | None = None) -> list[Trial]:
    """Trials of a parabola, as records."""
    found = []
    for number in range(first, first + count):
        asked = optimizer.ask(number, again)
        again = None
        value = (float(str(asked.params["x"])) - 0.3) ** 2
        optimizer.tell(asked, "complete", {"loss": value})
        found.append(
            Trial(
                number=number,
                state="complete",
                params=asked.params,
                distributions=optimizer.distributions(asked),
                values={"loss": value},
                system_attrs=optimizer.attrs(asked),
            )
        )
    return found


def test_a_budget_of_money_is_one_of_time() -> None:
    budget = Budget(options(budget=2.0, time_limit="2h"), price=4.0)
    assert budget.left(600.0) == 1200.0
    assert budget.over(1799.0, 3) == "" and not budget.urgent
    assert "budget of 2" in budget.over(1800.0, 3) and budget.urgent


def test_patience_counts_trials_without_a_better_one() -> None:
    given = options(patience=2)
    budget, done = Budget(given, price=0.0), []
    for number, loss in enumerate([3.0, 2.0, 2.5, 2.0]):
        assert budget.over(0.0, number) == ""
        done.append(Trial(number=number, state="complete", values={"loss": loss}))
        budget.count(done[-1], best(done, given.objectives))
    assert "2 trials in a row" in budget.over(0.0, 4)


def test_a_search_ends_when_all_of_its_first_trials_fail() -> None:
    crashing, silent = Budget(options(), price=0.0), Budget(options(), price=0.0)
    for number in range(5):
        assert crashing.over(0.0, number) == ""
        crashing.count(Trial(number=number, state="failed", reason="exit"), None)
    assert "first 5" in crashing.over(0.0, 5) and crashing.urgent
    for number in range(2):
        silent.count(Trial(number=number, state="failed", reason="objective"), None)
    assert "first 2" in silent.over(0.0, 2)
    hopeful = Budget(options(), price=0.0)
    hopeful.count(Trial(number=0, state="complete", values={"loss": 1.0}), None)
    for number in range(1, 20):
        hopeful.count(Trial(number=number, state="failed", reason="exit"), None)
    assert hopeful.over(0.0, 20) == ""


def test_a_rebuilt_study_repeats_no_trial() -> None:
    for sampler in ("random", "tpe", "qmc", "nsga2:population_size=4"):
        given = options(search=["x=0.0..1.0"], sampler=sampler)
        first = Optimizer(given, seed=5)
        before = run(first, 0, 6)
        again = Optimizer(given, seed=5, trials=before, attrs=first.study_attrs())
        after = run(again, 6, 6)
        values = [trial.params["x"] for trial in (*before, *after)]
        assert len(set(map(str, values))) == 12, sampler


def test_a_rebuilt_grid_goes_on_where_it_was() -> None:
    given = options(search=["x=0..5"], sampler="grid")
    before = run(Optimizer(given, seed=1), 0, 3)
    after = run(Optimizer(given, seed=1, trials=before), 3, 3)
    assert sorted(int(str(trial.params["x"])) for trial in (*before, *after)) == [0, 1, 2, 3, 4, 5]


def test_what_was_lost_under_way_comes_again_with_its_values() -> None:
    found = run(Optimizer(options(search=["x=0.0..1.0"]), seed=1), 7, 2, again={"x": 0.125})
    assert found[0].params == {"x": 0.125} and found[1].params != {"x": 0.125}


def test_a_warm_start_takes_what_the_present_space_has() -> None:
    known = run(Optimizer(options(search=["x=0.0..1.0"]), seed=1), 0, 12)
    narrow = options(search=["x=0.0..0.5"])
    same = Optimizer(narrow, seed=2, known=[known])
    fitting = [trial for trial in known if float(str(trial.params["x"])) <= 0.5]
    assert 0 < len(same.study.trials) == len(fitting) < 12
    transfer = Optimizer(narrow.evolve(warm_mode="transfer"), seed=2, known=[known])
    assert len(transfer.study.trials) == 0
    (top,) = front(fitting, narrow.objectives)
    assert transfer.ask(0).params == top.params


def test_a_condition_leaves_a_parameter_out() -> None:
    optimizer = Optimizer(options(search=["k=a,b", "x=1..3 if k=a"], sampler="random"), seed=3)
    asked = [optimizer.ask(number) for number in range(20)]
    assert all(("x" in item.params) == (item.params["k"] == "a") for item in asked)
    assert {item.params["k"] for item in asked} == {"a", "b"}


def test_messages_and_descriptors_arrive_in_order() -> None:
    ours, theirs = (Link(end) for end in pair())
    ends = [socket.socketpair() for _ in range(3)]
    for number, (end, _) in enumerate(ends):
        theirs.send({"forked": number}, [end.fileno()])
        theirs.send({"noise": "x" * 10_000})
    found: list[dict[str, Any]] = []
    while len(found) < 6:
        found += ours.arrived()
        # The sender would wait for room; here it is the same thread, so that all has been sent.
    assert [item["forked"] for item in found if "forked" in item] == [0, 1, 2]
    for fd, (_, other) in zip(ours.fds, ends, strict=True):
        with socket.socket(fileno=fd) as passed:
            passed.send(b"!")
            assert other.recv(1) == b"!"
    ours.fds = []
    theirs.close()
    assert ours.arrived() == [] and ours.closed and ours.receive() is None


def test_lines_of_a_trial_are_marked() -> None:
    stream = io.StringIO()
    marks = LineMarks(stream)
    stream.write("before\n")
    marks.text = "[trial 3] "
    for part in ("one\ntw", "o\n", "\n", "three"):
        stream.write(part)
    assert stream.getvalue() == "before\n[trial 3] one\n[trial 3] two\n\n[trial 3] three"

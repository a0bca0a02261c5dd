"""Tuning jobs with real processes: isolation, pruning, budgets, Stop, and going on after kills."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.domain.views import TrialList

from .conftest import Site, until


def tune(site: Site, source: str, tuning: dict[str, Any], **options: Any) -> Job:
    return site.submit(source, kind="tuning", tuning=tuning, **{"instance": "cpu.medium", **options})


def trials(site: Site, job: Job) -> TrialList:
    return site.client.jobs.trials(job.id)


#: Writes a line when a trial begins and when it ends; waits for the gate from the fourth on.
STEPS = """
import os, time
def note(word):
    with open({log!r}, "a") as file:
        print(word, file=file)
note("prefix")
note(f"begin {{x}} {{trial.number}}")
deadline = time.monotonic() + 60
while trial.number >= 4 and not os.path.exists({gate!r}) and time.monotonic() < deadline:
    time.sleep(0.02)
note(f"end {{trial.number}}")
model = {{"x": x}}
slml.log(loss=(x - 0.3) ** 2)
"""


def words(log: Path, word: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith(word)] if log.exists() else []


@pytest.mark.parametrize(
    ("victim", "lost"),
    [
        ("jupyter_slml.processes.daemon", 0),
        ("dask_worker", 0),
        ("jupyter_slml.processes.runner", 1),
        (0, 1),
        (1, 1),
    ],
    ids=["daemon", "worker", "runner", "coordinator", "stage"],
)
def test_a_kill_repeats_and_loses_nothing(site: Site, tmp_path: Path, victim: str | int, lost: int) -> None:
    """The same study goes on: what had ended is not run again, what was under way runs again with its values."""
    log, gate = tmp_path / "log", tmp_path / "gate"
    source = STEPS.format(log=str(log), gate=str(gate))
    job = tune(site, source, {"search": ["x=0.0..1.0"], "minimize": ["loss"], "trials": 10, "seed": 1}, outputs=["model"])
    until(lambda: len(words(log, "begin")) == 6, 60, "the fifth and the sixth trial")
    until(lambda: sum(trial.state == "complete" for trial in trials(site, job).trials) == 4, 20, "four records")
    if isinstance(victim, str):
        site.kill(victim)
    else:
        # In the order of their forks.
        pid = site.client.jobs.attempts(job.id).attempts[0].pid
        sorted(psutil.Process(pid).children(), key=lambda process: process.pid)[victim].kill()
    if lost:
        until(lambda: len(words(log, "begin")) == 8, 60, "the second attempt")
    gate.touch()
    done = site.finish(job)
    assert done.state is JobState.SUCCEEDED, done.reason
    found = trials(site, job)
    assert [trial.number for trial in found.trials] == list(range(10))
    assert {trial.state for trial in found.trials} == {"complete"}
    assert len(words(log, "prefix")) == 1 + lost
    assert sorted(words(log, "end"), key=lambda line: int(line.split()[1])) == [f"end {number}" for number in range(10)]
    # The two that were under way began again, with the values that they had.
    begun = words(log, "begin")
    assert len(begun) == 10 + 2 * lost and len(set(begun)) == 10
    assert len({trial.params["x"] for trial in found.trials}) == 10
    attempts = site.client.jobs.attempts(job.id).attempts
    assert [item.state for item in attempts] == [AttemptState.LOST] * lost + [AttemptState.SUCCEEDED]
    best = min(found.trials, key=lambda trial: trial.values["loss"])
    assert found.best == best.number and done.metrics["loss"] == best.values["loss"]
    assert done.outcome is not None
    assert [item.digest for item in done.outcome.outputs] == [item.digest for item in best.outputs]


def test_a_trial_that_dies_is_one_failed_trial(shared: Site) -> None:
    source = """
import os, signal
if x == 1: os.kill(os.getpid(), signal.SIGSEGV)
if x == 2: raise ValueError("two")
if x == 3: block = bytearray(b"1") * (3 * 2**29)
if x == 4: os._exit(3)
if x == 5: slml.log(v=float("nan"))
if x != 5: slml.log(v=x)
"""
    job = tune(
        shared, source, {"search": ["x=0..6"], "minimize": ["v"], "sampler": "grid", "parallel": 2}, instance="cpu.small"
    )
    done = shared.finish(job)
    assert done.state is JobState.SUCCEEDED, done.reason
    found = {trial.params["x"]: trial for trial in trials(shared, job).trials}
    assert [found[x].state for x in range(7)] == ["complete", *["failed"] * 5, "complete"]
    assert [found[x].reason for x in range(1, 6)] == ["exit", "exception", "memory", "exit", "objective"]
    assert "SIGSEGV" in found[1].message and "its share" in found[3].message and "nan" in found[5].message
    error = found[2].error
    assert error is not None and (error.ename, error.line) == ("ValueError", 4)
    assert done.metrics["v"] == 0


def test_an_objective_that_is_never_reported_ends_the_search_soon(shared: Site) -> None:
    job = tune(shared, "y = x", {"search": ["x=0.0..1"], "minimize": ["loss"], "trials": 500})
    done = shared.finish(job)
    assert (done.state, done.outcome and done.outcome.reason) == (JobState.FAILED, Reason.OBJECTIVE)
    assert done.outcome is not None and "slml.log(loss=…)" in done.outcome.message
    assert len(trials(shared, job).trials) < 10


def test_a_failing_prefix_is_the_cell_s_error(shared: Site) -> None:
    source = "import math\nbase = math.sqrt(-1)\nslml.log(loss=x)\n"
    done = shared.finish(tune(shared, source, {"search": ["x=0.0..1"], "minimize": ["loss"]}))
    assert done.state is JobState.FAILED and done.outcome is not None
    assert done.outcome.error is not None and (done.outcome.error.ename, done.outcome.error.line) == ("ValueError", 2)


def test_pruning_reaches_a_running_trial(shared: Site) -> None:
    source = """
import time
for step in range(200):
    slml.log(step, loss=x + 1 / (step + 1))
    time.sleep(0.005 if x > 0.5 else 0)
"""
    tuning = {
        "search": ["x=0.1,0.2,0.3,0.9"],
        "minimize": ["loss"],
        "sampler": "grid",
        "pruner": "median:n_startup_trials=1",
        "seed": 4,
    }
    job = tune(shared, source, {**tuning, "parallel": 1})
    assert shared.finish(job).state is JobState.SUCCEEDED
    found = {trial.params["x"]: trial for trial in trials(shared, job).trials}
    assert found[0.1].state == "complete"
    first = min(found.values(), key=lambda trial: trial.number)
    assert first.params["x"] == 0.9 or (found[0.9].state == "pruned" and found[0.9].intermediate[-1][0] < 100)


def test_an_optuna_objective_runs_as_it_is(shared: Site) -> None:
    source = """
def objective(trial):
    kind = trial.suggest_categorical("kind", ["a", "b"])
    x = trial.suggest_float("x", -10, 10) if kind == "a" else trial.suggest_int("n", 1, 3)
    trial.set_user_attr("kind", kind)
    trial.report(x, 1)
    if trial.should_prune():
        import optuna
        raise optuna.TrialPruned()
    if trial.number == 3:
        trial.study.stop()
    return x * x

objective(trial)
"""
    job = tune(shared, source, {"minimize": ["value"], "trials": 40, "parallel": 1})
    done = shared.finish(job)
    assert done.state is JobState.SUCCEEDED, done.reason
    found = trials(shared, job)
    assert len(found.trials) == 4 and "a trial asked" in found.ended
    assert all(trial.user_attrs["kind"] == trial.params["kind"] for trial in found.trials)
    assert all(("x" in trial.params) == (trial.params["kind"] == "a") for trial in found.trials)


def test_several_objectives_give_a_front(shared: Site) -> None:
    source = "m = x\n(x, (x - 1) ** 2)\n"
    job = tune(shared, source, {"search": ["x=-1.0..2.0"], "minimize": ["a", "b"], "trials": 20, "seed": 2}, outputs=["m"])
    assert shared.finish(job).state is JobState.SUCCEEDED
    found = trials(shared, job)
    on_front = [trial for trial in found.trials if trial.number in found.front]
    assert all(trial.outputs for trial in on_front)
    assert not any(trial.params["x"] > 1.0 for trial in on_front if trial.number != found.front[0]) or len(on_front) > 0
    assert found.best in found.front


def test_stop_keeps_what_is_known_and_leaves_no_process(shared: Site, tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    source = STEPS.format(log=str(log), gate=str(gate))
    job = tune(shared, source, {"search": ["x=0.0..1.0"], "minimize": ["loss"], "trials": 10}, outputs=["model"], grace=2.0)
    until(lambda: len(words(log, "begin")) == 6, 60, "the fifth and the sixth trial")
    shared.client.jobs.stop(job.id)
    done = shared.finish(job)
    assert done.state is JobState.STOPPED
    assert done.outcome is not None and [item.name for item in done.outcome.outputs] == ["model"]
    states = [trial.state for trial in trials(shared, job).trials]
    assert states == ["complete"] * 4 + ["stopped"] * 2
    until(lambda: not words(log, "end 4"), 5, "silence")
    assert len(words(log, "end")) == 4


def test_a_time_limit_ends_running_trials(shared: Site) -> None:
    source = "import time\ntime.sleep(0 if trial.number < 2 else 60)\nslml.log(loss=x)\n"
    begun = time.monotonic()
    job = tune(shared, source, {"search": ["x=0.0..1"], "minimize": ["loss"], "time_limit": 1.5}, grace=0.5)
    done = shared.finish(job)
    assert done.state is JobState.SUCCEEDED, done.reason
    assert time.monotonic() - begun < 20
    assert [trial.state for trial in trials(shared, job).trials] == ["complete", "complete", "stopped", "stopped"]


def test_patience_ends_a_search_that_finds_nothing_better(shared: Site) -> None:
    job = tune(
        shared,
        "slml.log(loss=trial.number + 0 * x)",
        {"search": ["x=0.0..1"], "minimize": ["loss"], "patience": 3, "parallel": 1},
    )
    assert shared.finish(job).state is JobState.SUCCEEDED
    assert len(trials(shared, job).trials) == 4


def test_a_warm_start_learns_from_an_earlier_job(shared: Site) -> None:
    first = tune(
        shared,
        "slml.log(loss=abs(x - 0.5))",
        {"search": ["x=0.0..1"], "minimize": ["loss"], "trials": 12, "seed": 1},
        name="one",
    )
    assert shared.finish(first).state is JobState.SUCCEEDED
    best = min(trials(shared, first).trials, key=lambda trial: trial.values["loss"])
    again = tune(
        shared,
        "slml.log(loss=abs(x - 0.5) * 2)",
        {
            "search": ["x=0.0..1"],
            "minimize": ["loss"],
            "trials": 3,
            "warm_start": ["one"],
            "warm_mode": "transfer",
            "parallel": 1,
        },
    )
    assert shared.finish(again).state is JobState.SUCCEEDED
    assert trials(shared, again).trials[0].params == best.params
    same = tune(
        shared,
        "slml.log(loss=abs(x - 0.5))",
        {"search": ["x=0.0..1"], "minimize": ["loss"], "trials": 3, "warm_start": ["one"]},
    )
    assert shared.finish(same).state is JobState.SUCCEEDED
    assert [trial.number for trial in trials(shared, same).trials] == [0, 1, 2]


def test_a_prefix_that_leaves_a_thread_is_not_shared(shared: Site) -> None:
    """Every trial then runs the whole cell, and the study says why."""
    source = """
import threading, time
threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
slml.log(loss=x)
"""
    job = tune(shared, source, {"search": ["x=0.0..1"], "minimize": ["loss"], "trials": 3})
    assert shared.finish(job).state is JobState.SUCCEEDED
    found = trials(shared, job)
    assert found.hoisted == 0 and "thread" in found.hoist_note
    assert [trial.state for trial in found.trials] == ["complete"] * 3


def test_trials_draw_their_own_numbers_and_the_same_again(shared: Site) -> None:
    source = """
import numpy, random
once = numpy.random.rand()
slml.log(loss=x, a=numpy.random.rand(), b=random.random(), c=once)
"""
    found = []
    for _ in range(2):
        job = tune(
            shared,
            source,
            {"search": ["x=0.0..1"], "minimize": ["loss"], "trials": 3, "seed": 7, "sampler": "random", "parallel": 1},
        )
        assert shared.finish(job).state is JobState.SUCCEEDED
        found.append([trial.metrics for trial in trials(shared, job).trials])
    assert len({item["a"] for item in found[0]}) == len({item["b"] for item in found[0]}) == 3
    assert len({item["c"] for item in found[0]}) == 1
    assert [(item["loss"], item["a"], item["b"]) for item in found[0]] == [
        (item["loss"], item["a"], item["b"]) for item in found[1]
    ]


def test_each_trial_has_its_own_files(shared: Site) -> None:
    source = """
import pathlib, time
pathlib.Path("base.txt").write_text("base")
assert pathlib.Path("base.txt").read_text() == "base"
path = pathlib.Path("mine.txt")
assert not path.exists()
path.write_text(str(x))
time.sleep(0.05)
assert path.read_text() == str(x)
(slml.output_dir / "report.txt").write_text(f"x={x}")
slml.log(loss=x)
"""
    job = tune(shared, source, {"search": ["x=1..6"], "minimize": ["loss"], "sampler": "grid"})
    done = shared.finish(job)
    found = trials(shared, job)
    assert {trial.state for trial in found.trials} == {"complete"}, [trial.message for trial in found.trials]
    assert done.outcome is not None
    (report,) = done.outcome.files
    assert report.name == "report.txt" and shared.client.blobs.get(report.digest) == b"x=1"

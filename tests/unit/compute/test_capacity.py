"""What fits, what is free, and how each end is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute.capacity import Capacity
from jupyter_slml.compute.outcomes import claim, commit, give_up, read_outcome, verdict
from jupyter_slml.domain.orders import AttemptOrder, Limits
from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.storage.blobs import open_blobs


def resources(cpus: float, memory: float) -> dict[str, float]:
    return {"slml_cpu": cpus, "slml_memory_gib": memory}


def order(instance: str = "cpu.small") -> AttemptOrder:
    return AttemptOrder(
        id="attempt-1",
        job="job-1",
        job_name="churn",
        number=1,
        spec=JobSpec(name="churn", source="1", instance=instance),
        limits=Limits(threads=1, memory=2**31, timeout=3.5),
        resources=resources(1, 2),
        store="file:///s",
    )


def test_what_could_ever_fit() -> None:
    capacity = Capacity(workers={"a": resources(2, 4), "b": resources(1, 16)})
    assert capacity.fits(resources(2, 4)) is None
    assert capacity.fits(resources(4, 4)) == "4 CPUs are asked for and the largest worker has 2."
    assert "20 GiB of memory" in (capacity.fits(resources(1, 20)) or "")
    assert "no single worker" in (capacity.fits(resources(2, 16)) or "")
    assert Capacity().fits(resources(100, 1)) is None
    assert Capacity(expected=resources(2, 4)).fits(resources(4, 4)) is not None


def test_what_is_free_counts_the_placed_and_the_unplaced() -> None:
    capacity = Capacity(workers={"a": resources(2, 4), "b": resources(1, 4)})
    small = resources(1, 1)
    assert capacity.slot(small, [("a", small), ("b", small)])
    assert not capacity.slot(small, [("a", small), ("b", small), (None, small)])
    assert not capacity.slot(resources(2, 1), [(None, small), (None, small)])
    # What was placed on a worker that is gone needs a place again.
    assert not capacity.slot(small, [("gone", small)] * 3)
    assert not Capacity().slot(small, [])
    thirds = resources(2 / 3, 1)
    assert capacity.slot(thirds, [("a", thirds), ("a", thirds), ("b", small)])
    host = capacity.hosts({"a": "here"}, [("a", small)])[0]
    assert (host.name, host.cpus, host.free_cpus, host.memory) == ("here", 2, 1, 4 * 2**30)


ENDED = {"code": 0, "reason": None, "peak_memory": 3 * 2**30, "cpu_seconds": 1.0, "at": 5.0}
ERROR = {"ename": "ValueError", "evalue": "bad\nmore", "traceback": ["t"], "line": 3}


@pytest.mark.parametrize(
    ("ended", "result", "state", "reason", "words"),
    [
        ({}, {"error": None, "skipped": {"x": "why"}}, "succeeded", "done", ""),
        ({}, {"error": ERROR}, "failed", "exception", "ValueError: bad (line 3 of the cell)"),
        ({}, {"error": ERROR, "message": "mine"}, "failed", "exception", "mine"),
        ({}, {"error": None, "missing": "no model"}, "failed", "output", "no model"),
        ({}, {"exit": 4}, "failed", "exit", "sys.exit(4)"),
        ({"code": 7}, None, "failed", "exit", "exit code 7"),
        ({"code": -11}, None, "failed", "exit", "SIGSEGV"),
        ({"code": -9}, None, "failed", "exit", "out of memory"),
        ({"code": -64}, None, "failed", "exit", "SIGRTMAX"),
        ({"reason": "memory"}, None, "failed", "memory", "3.00 GiB of memory; cpu.small allows 2.00 GiB"),
        ({"reason": "timeout"}, None, "timed_out", "timeout", "3.5 s"),
        ({"reason": "stop"}, None, "stopped", "stop", "on request"),
        ({"reason": "quota"}, None, "stopped", "stop", "quota"),
        ({"reason": "lost", "code": None, "at": None}, None, "lost", "platform", "guarded"),
    ],
)
def test_each_end_is_judged(
    ended: dict[str, Any], result: dict[str, Any] | None, state: str, reason: str, words: str
) -> None:
    outcome = verdict(order(), {**ENDED, **ended}, result)
    assert (outcome.state, outcome.reason) == (AttemptState(state), Reason(reason))
    assert words in outcome.message
    assert (outcome.error is not None) == (reason == "exception")


def test_one_start_and_one_outcome(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path.as_uri())
    assert claim(blobs, "a", "host", "runner")
    assert not claim(blobs, "a", "other", "runner")
    won = Outcome(attempt="a", state=AttemptState.SUCCEEDED, reason=Reason.DONE)
    assert commit(blobs, won) == won
    assert commit(blobs, won.evolve(state=AttemptState.FAILED)) == won
    assert give_up(blobs, "a", "too late") == won
    assert give_up(blobs, "b", "nobody").state is AttemptState.LOST
    assert not claim(blobs, "b", "host", "runner")
    assert read_outcome(blobs, "c") is None

"""kill -9 of each process under a sleeping cell: no job is lost, none is committed twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.storage.blobs import file_url, open_blobs

from .conftest import Site, until

#: Says when it begins, sleeps until the test lets it go on, says when it ends.
CELL = """
import os, time
with open({log!r}, "a") as file:
    print("begin", os.getpid(), file=file)
deadline = time.monotonic() + 60
while not os.path.exists({gate!r}) and time.monotonic() < deadline:
    time.sleep(0.05)
with open({log!r}, "a") as file:
    print("end", os.getpid(), file=file)
answer = 42
"""


def lines(log: Path, word: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith(word)] if log.exists() else []


@pytest.mark.parametrize(
    ("victim", "lost"),
    [
        ("jupyter_slml.processes.daemon", 0),
        ("dask_worker", 0),
        ("dask_scheduler", 0),
        ("jupyter_slml.processes.runner", 1),
    ],
    ids=["daemon", "worker", "scheduler", "runner"],
)
def test_exactly_one_outcome(site: Site, tmp_path: Path, victim: str, lost: int) -> None:
    """The job succeeds with one committed outcome; only a dead runner costs an attempt."""
    log, gate = tmp_path / "log", tmp_path / "gate"
    job = site.submit(CELL.format(log=str(log), gate=str(gate)), outputs=["answer"])
    until(lambda: lines(log, "begin"), 60, "the cell's first line")
    site.kill(victim)
    if lost:
        until(lambda: len(lines(log, "begin")) == 2, 60, "the second attempt")
    gate.touch()
    done = site.finish(job)
    assert done.state is JobState.SUCCEEDED, done.reason
    assert [item.name for item in done.outcome.outputs] == ["answer"]
    attempts = site.client.jobs.attempts(job.id).attempts
    assert [item.state for item in attempts] == [AttemptState.LOST] * lost + [AttemptState.SUCCEEDED]
    assert len(lines(log, "end")) == 1, "the cell ran to its end once"
    assert len(lines(log, "begin")) == 1 + lost
    blobs = open_blobs(file_url(site.place.blobs))
    outcomes = [json.loads(blobs.get(key)) for key in blobs.list("attempts") if key.endswith("outcome.json")]
    assert sorted(item["state"] for item in outcomes) == sorted(item.state.value for item in attempts)


def test_stop_leaves_no_process(site: Site, tmp_path: Path) -> None:
    """`jupyter slml stop` under a running job ends everything; the next start runs the job again."""
    from jupyter_slml.client.start import leave

    log, gate = tmp_path / "log", tmp_path / "gate"
    job = site.submit(CELL.format(log=str(log), gate=str(gate)))
    until(lambda: lines(log, "begin"), 60, "the cell's first line")
    leave(site.place, drain=False)
    until(lambda: not site.processes(), 20, "the end of all processes")
    gate.touch()
    assert site.finish(job).state is JobState.SUCCEEDED

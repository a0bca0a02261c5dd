"""A newer package over a workspace at work: what runs goes on, and what comes later runs on the new version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from jupyter_slml import __version__
from jupyter_slml.domain.states import AttemptState, JobState
from tests.packages import environment_with

from .conftest import Site, until

SUBMIT = """
import sys
from jupyter_slml.client import connect
from jupyter_slml.domain.specs import JobSpec
client = connect()
job = client.jobs.submit(JobSpec(name="old", source=sys.stdin.read(), outputs=["answer"]))
while job.state != "running":
    job = client.jobs.wait(job.id, revision=job.revision)
print(job.id, client.status().version)
"""

CELL = """
import os, time
while not os.path.exists({gate!r}):
    time.sleep(0.02)
answer = 42
"""


def test_a_running_job_outlives_an_upgrade(site: Site, tmp_path: Path) -> None:
    """Daemon, scheduler and workers are replaced; the older runner ends its job, once, beside the new one, and leaves."""
    gate = tmp_path / "gate"
    source = CELL.format(gate=str(gate))
    environment = environment_with("0.0.9", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SUBMIT], input=source, text=True, capture_output=True, env=environment, check=True, cwd="/"
    )
    job, version = done.stdout.split()
    assert version == "0.0.9"
    # From here on this process's version asks, and it takes over at its first question.
    assert site.client.status().version == __version__
    new = site.finish(site.submit("answer = 1", name="new"))
    assert new.state is JobState.SUCCEEDED, new.reason
    assert len(site.only("dask_scheduler")) == 1
    assert len(site.only("jupyter_slml.processes.runner")) == 2
    assert site.client.jobs.get(job).state is JobState.RUNNING
    gate.touch()
    old = site.finish(site.client.jobs.get(job))
    assert old.state is JobState.SUCCEEDED, old.reason
    (attempt,) = site.client.jobs.attempts(job).attempts
    assert attempt.state is AttemptState.SUCCEEDED
    until(lambda: len(site.only("jupyter_slml.processes.runner")) == 1, what="the end of the older runner")
    (runner,) = site.only("jupyter_slml.processes.runner")
    assert str(tmp_path / "0.0.9") not in psutil.Process(runner.pid).environ().get("PYTHONPATH", "")

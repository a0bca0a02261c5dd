"""A disk that is full under a whole workspace: jobs say so and wait, and everything goes on when there is room again."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_slml.cli.main import slml
from jupyter_slml.client import connect
from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import StorageFull
from jupyter_slml.settings import HOME_VARIABLE, workspace

from .conftest import Site, end, until

CELL = """
import os, time, numpy
while not os.path.exists({gate!r}):
    time.sleep(0.02)
model = numpy.arange(1_000_000.)
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A workspace on a file system of 64 MiB."""
    disk = tmp_path / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    monkeypatch.setenv(HOME_VARIABLE, str(disk / "home"))
    found = Site(workspace(), connect())
    try:
        yield found
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        found.client.close()
        end(found.place)
        until(lambda: not found.processes(), what=f"the end of {found.processes()}")
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    return ballast


def test_jobs_say_that_they_wait_for_room_and_go_on(small: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The database is on the full disk, too: what waits is said all the same, and nothing of it is lost."""
    gate = tmp_path / "gate"
    running = small.submit(CELL.format(gate=str(gate)), name="running", outputs=["model"], retries=3)
    until(lambda: small.client.jobs.get(running.id).state is JobState.RUNNING, 60)
    queued = small.submit("answer = 1", name="queued", after=[running.id])
    ballast = fill(small.place.home.parent)
    with pytest.raises(StorageFull, match="nothing of this request was stored"):
        small.submit("answer = 2", name="refused", parameters={"long": "x" * 100_000})
    assert small.client.jobs.get(queued.id).reason.startswith("Waits")
    gate.touch()
    until(lambda: small.client.jobs.get(running.id).reason == "The disk of the worker's host is full.", what="the reason")
    slml(["jobs", "show", running.id], standalone_mode=False)
    assert "running: The disk of the worker's host is full." in capsys.readouterr().out
    ballast.unlink()
    done = small.finish(running)
    assert (done.state, done.reason, done.retried) == (JobState.SUCCEEDED, "", {})
    assert [item.size > 7_000_000 for item in done.outcome.outputs] == [True]
    assert small.finish(queued).state is JobState.SUCCEEDED
    assert small.finish(small.submit("answer = 3")).state is JobState.SUCCEEDED
    with sqlite3.connect(small.place.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_what_never_fits_uses_none_of_the_users_retries(small: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's retries are used up, then the job fails with the reason; the next job runs."""
    monkeypatch.setenv("SLML_STORE_PATIENCE", "0.5")
    job = small.submit("import os\n(slml.output_dir / 'big').write_bytes(bytes(40_000_000))", retries=5, platform_retries=1)
    done = small.finish(job)
    assert (done.state, done.retried) == (JobState.FAILED, {"platform": 1})
    assert done.outcome.reason is Reason.PLATFORM
    assert "The cell's outputs could not be stored: The disk" in done.reason
    assert len(small.client.jobs.attempts(job.id).attempts) == 2
    assert small.finish(small.submit("answer = 1")).state is JobState.SUCCEEDED

"""A real workspace in a temporary directory: daemon, Dask cluster, runner, zygote and gateway are real processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import ensure_daemon, leave, running
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.settings import HOME_VARIABLE, Workspace, workspace


@dataclass
class Site:
    """One workspace at work."""

    place: Workspace
    client: Client

    def processes(self) -> list[psutil.Process]:
        """Every live process of the workspace, found by its directories in the command line or the environment."""
        marks = (str(self.place.home), self.place.id)
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                words = [*process.cmdline(), process.environ().get(HOME_VARIABLE, "")]
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if any(mark in word for mark in marks for word in words):
                found.append(process)
        return found

    def only(self, word: str) -> list[psutil.Process]:
        """Those whose command line contains `word`."""
        found = []
        for process in self.processes():
            try:
                if any(word in part for part in process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def kill(self, word: str) -> None:
        """SIGKILL to every process whose command line contains `word`; returns when they are gone."""
        victims = self.only(word)
        assert victims, f"no process {word!r} runs"
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        psutil.wait_procs(victims, timeout=10)

    def submit(self, source: str, **options: object) -> Job:
        return self.client.jobs.submit(JobSpec.model_validate({"source": source, **options}))

    def finish(self, job: Job, seconds: float = 90.0) -> Job:
        """The job at its end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.client.jobs.wait(job.id, timeout=min(20.0, max(0.1, deadline - time.monotonic())))
            if found.state.is_final:
                return found
        raise AssertionError(f"{job.id} did not end: {found.state.value}: {found.reason}")


def until(condition: Callable[[], object], seconds: float = 30.0, what: str = "the condition") -> None:
    """Wait for a condition, asked every 20 ms."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds:.0f} s"
        time.sleep(0.02)


def end(place: Workspace) -> None:
    """End everything of a workspace, however it was left."""
    if running(place) is None and place.database.exists():
        ensure_daemon(place)
    if running(place) is not None:
        leave(place, drain=False)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    place = workspace()
    found = Site(place, connect())
    yield found
    found.client.close()
    end(place)
    until(lambda: not found.processes(), what=f"the end of {found.processes()}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One workspace for the tests of a module that harm nothing."""
    home = tmp_path_factory.mktemp("shared") / "home"
    found = Site(workspace(home), connect(home))
    yield found
    found.client.close()
    end(found.place)
    until(lambda: not found.processes(), what=f"the end of {found.processes()}")

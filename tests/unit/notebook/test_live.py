"""One reader, few updates, and the last one always."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

from jupyter_slml.domain.records import Event, Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import LogEntry, LogPage, MetricPoints
from jupyter_slml.errors import Unavailable
from jupyter_slml.notebook.live import Live


class Daemon:
    """Commits a change whenever the test says so."""

    def __init__(self) -> None:
        self.jobs = self
        self.record = Job(id="job-1", name="a", spec=JobSpec(source="x"), state=JobState.QUEUED, created_at=0.0)
        self.said: list[Event] = []
        self.news = threading.Condition()
        self.streams = 0
        self.broken = False

    def change(self, **changes: object) -> None:
        with self.news:
            self.record = self.record.evolve(revision=self.record.revision + 1, **changes)
            self.said.append(Event(id=len(self.said) + 1, at=0.0, kind="job.x", subject="job", subject_id="job-1"))
            self.news.notify_all()

    def events(self, after: int) -> Iterator[Event]:
        self.streams += 1
        if self.broken:
            self.broken = False
            raise Unavailable
        position = len(self.said) if after == -1 else after
        while True:
            with self.news:
                while len(self.said) <= position and not self.broken:
                    self.news.wait(5)
                if self.broken:
                    raise Unavailable
                fresh = self.said[position:]
            position += len(fresh)
            yield from fresh

    def get(self, job: str) -> Job:
        return self.record

    def logs(self, job: str, after: int, *, limit: int, tail: bool) -> LogPage:
        entries = [LogEntry(q=after + 1, n=1, t=0.0, s="out", x=f"line {after}\n")]
        return LogPage(entries=entries, last=after + 1, done=False)


def wait_until(true: object, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_changes_become_few_updates_and_the_last_is_sent() -> None:
    daemon = Daemon()
    live = Live(daemon)  # type: ignore[arg-type]
    seen: list[Job] = []
    live.watch("job-1", lambda job, tail: seen.append(job))
    wait_until(lambda: seen)
    began = time.monotonic()
    for number in range(200):
        daemon.change(metrics={"step": float(number)})
        time.sleep(0.002)
    daemon.change(state=JobState.SUCCEEDED)
    wait_until(lambda: seen[-1].state is JobState.SUCCEEDED)
    assert len(seen) <= 3 + 4 * (time.monotonic() - began)
    assert daemon.streams == 1
    assert live._watchers == {}
    live.close()


def test_one_broken_display_leaves_the_others() -> None:
    daemon = Daemon()
    live = Live(daemon)  # type: ignore[arg-type]
    seen: list[list[str]] = []
    live.watch("job-1", lambda job, tail: 1 / 0)  # type: ignore[arg-type]
    live.watch("job-1", lambda job, tail: seen.append(tail))
    wait_until(lambda: seen)
    assert seen[0][0] == "line 0"
    live.close()


def test_a_daemon_that_comes_back_is_followed_again() -> None:
    daemon = Daemon()
    daemon.broken = True
    live = Live(daemon)  # type: ignore[arg-type]
    seen: list[Job] = []
    live.watch("job-1", lambda job, tail: seen.append(job))
    wait_until(lambda: daemon.streams == 2)
    daemon.change(state=JobState.FAILED)
    wait_until(lambda: seen and seen[-1].state is JobState.FAILED)
    live.close()


def test_the_widget_follows_and_stops_by_http_alone() -> None:
    from jupyter_slml.notebook.handle import JobHandle

    daemon = Daemon()
    daemon.change(state=JobState.RUNNING, started_at=time.time())
    stopped: list[str] = []

    def stop_job(job: str) -> Job:
        stopped.append(job)
        return daemon.record

    client = SimpleNamespace(
        jobs=SimpleNamespace(get=daemon.get, logs=daemon.logs, stop=stop_job, metrics=lambda job: MetricPoints(points=[])),
        events=daemon.events,
        workspace=SimpleNamespace(id="w"),
    )
    live = Live(client)  # type: ignore[arg-type]
    session = SimpleNamespace(client=client, live=live, surroundings=SimpleNamespace(headless=False))
    handle = JobHandle(session, daemon.record)  # type: ignore[arg-type]
    box = handle.widget()
    (state, bar, stop), facts, log = box.children[0].children, box.children[1], box.children[2]
    daemon.change(metrics={"auc": 0.75, "progress": 0.5})
    wait_until(lambda: "auc = 0.75" in facts.value)
    assert "running" in state.value and bar.value == 50 and "line" in log.value
    thread = threading.Thread(target=stop.click)
    thread.start()
    thread.join()
    assert stopped == ["job-1"]
    daemon.change(state=JobState.STOPPED, ended_at=time.time())
    wait_until(lambda: stop.disabled)
    live.close()

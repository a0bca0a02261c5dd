"""Displays that follow their job: one event-reader thread per kernel, at most four updates a second.

The threads never print and never open a display: they update displays and widgets that the main thread made.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_slml.errors import SlmlError, Unavailable

if TYPE_CHECKING:
    from jupyter_slml.client import Client
    from jupyter_slml.domain.records import Job

#: Seconds between two updates of one job's displays.
INTERVAL = 0.25
_RECONNECT = 1.0
#: Bytes of a log's end that are read for a display.
_TAIL_BYTES = 64 * 1024

#: Called with the job and the last lines of its log, from the painting thread.
Watcher = Callable[["Job", list[str]], None]


class LogTail:
    """The last lines of a job's log, read on from where it stopped."""

    def __init__(self, client: Client, job: str, lines: int = 8) -> None:
        self._client = client
        self._job = job
        self._lines = lines
        self._position = 0
        self._text = ""

    def read(self) -> list[str]:
        # The last page: of a flood only its end is shown.
        page = self._client.jobs.logs(self._job, self._position, limit=_TAIL_BYTES, tail=True)
        self._position = page.last
        self.add("".join(entry.x for entry in page.entries))
        return self.lines

    def add(self, text: str) -> None:
        self._text = "\n".join((self._text + text).split("\n")[-(self._lines + 1) :])

    @property
    def lines(self) -> list[str]:
        # A progress bar overwrites its line: what counts is what stands behind the last return.
        kept = [line.rstrip("\r").rpartition("\r")[2] for line in self._text.split("\n")]
        return [line[:500] for line in kept if line.strip()][-self._lines :]


class Live:
    """Fans the daemon's events out to the watchers of each job."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._watchers: dict[str, list[Watcher]] = {}
        self._tails: dict[str, LogTail] = {}
        self._dirty: set[str] = set()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def watch(self, job: str, watcher: Watcher) -> None:
        """Call `watcher` at every change of the job until it is final. The first call comes at once."""
        with self._changed:
            self._watchers.setdefault(job, []).append(watcher)
            self._tails.setdefault(job, LogTail(self._client, job))
            self._dirty.add(job)
            if not self._threads:
                self._threads = [
                    threading.Thread(target=target, name=f"slml-{name}", daemon=True)
                    for name, target in (("events", self._read), ("paint", self._paint))
                ]
                for thread in self._threads:
                    thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed.set()
            self._watchers.clear()
            self._changed.notify_all()

    def _read(self) -> None:
        position = -1
        while not self._closed.is_set():
            try:
                for event in self._client.events(position):
                    position = event.id
                    if self._closed.is_set():
                        return
                    job = self._job_of(event.subject, event.subject_id, event.data)
                    with self._changed:
                        if job in self._watchers:
                            self._dirty.add(job)
                            self._changed.notify_all()
            except Unavailable:
                # The daemon was restarted: what happened meanwhile is read again from `position`, or below.
                time.sleep(_RECONNECT)
                with self._changed:
                    self._dirty.update(self._watchers)
                    self._changed.notify_all()
            except SlmlError:
                return

    @staticmethod
    def _job_of(subject: str, identity: str, data: dict[str, Any]) -> str:
        if subject == "job":
            return identity
        job = data.get("job")
        if isinstance(job, dict):
            return str(job.get("id", ""))
        return str(job or "")

    def _paint(self) -> None:
        while True:
            with self._changed:
                while not self._dirty and not self._closed.is_set():
                    self._changed.wait()
                if self._closed.is_set():
                    return
                due = set(self._dirty)
                self._dirty.clear()
            for job in due:
                self._update(job)
            time.sleep(INTERVAL)

    def _update(self, job: str) -> None:
        try:
            record = self._client.jobs.get(job)
            lines = self._tails[job].read()
        except SlmlError:
            return
        with self._changed:
            watchers = list(self._watchers.get(job, []))
            if record.state.is_final:
                self._watchers.pop(job, None)
                self._tails.pop(job, None)
        for watcher in watchers:
            # One display that cannot be drawn must not stop the others.
            with contextlib.suppress(Exception):
                watcher(record, lines)

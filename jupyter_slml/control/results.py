"""What jobs left and leave: logs, metrics, displays, outputs, read from the blob store."""

from __future__ import annotations

import json
from collections.abc import Iterator

from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.views import Displays, LogEntry, LogPage, MetricPoint, MetricPoints
from jupyter_slml.errors import Conflict, NotFound
from jupyter_slml.ports.blobs import Blobs, attempt_key
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database

#: Log positions: attempt number times this, plus the chunk's number.
ATTEMPT_STRIDE = 1_000_000_000


class Results:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def logs(self, word: str, after: int) -> LogPage:
        """Everything printed after position `after`."""
        with self._database.read() as connection:
            job = table.find(connection, word)
            attempts = table.attempts_of(connection, job.id)
        entries: list[LogEntry] = []
        last = after
        for attempt in attempts:
            base = attempt.number * ATTEMPT_STRIDE
            if after >= base + ATTEMPT_STRIDE:
                continue
            for number, line in _chunks(self._blobs, attempt_key(attempt.id, "log"), after - base):
                last = base + number
                entries.append(LogEntry(q=last, n=attempt.number, **line))
        return LogPage(entries=entries, last=last, done=job.state.is_final)

    def metrics(self, word: str) -> MetricPoints:
        """All points of the newest attempt that logged any, in the order in which they were logged."""
        with self._database.read() as connection:
            job = table.find(connection, word)
            attempts = table.attempts_of(connection, job.id)
        for attempt in reversed(attempts):
            points = [MetricPoint(**line) for _, line in _chunks(self._blobs, attempt_key(attempt.id, "metrics"), 0)]
            if points:
                return MetricPoints(points=points)
        return MetricPoints(points=[])

    def displays(self, word: str) -> Displays:
        job = self._find(word)
        if job.outcome is None or job.outcome.displays is None:
            return Displays(outputs=[])
        return Displays(outputs=json.loads(b"".join(self._blobs.read(job.outcome.displays))))

    def output(self, word: str, name: str) -> Artifact:
        """Raises NotFound naming the outputs that exist, Conflict while the job has not ended."""
        job = self._find(word)
        if job.outcome is None:
            raise Conflict(
                f"Job {job.id} is {job.state.value} and has no outputs yet.",
                field="job",
                value=job.id,
                remedy="Wait for its end: `job.wait()`.",
            )
        for artifact in job.outcome.outputs:
            if artifact.name == name:
                return artifact
        why = job.outcome.skipped.get(name)
        names = ", ".join(artifact.name for artifact in job.outcome.outputs) or "none"
        raise NotFound(
            f"Job {job.id} has no output {name!r}{f' ({why})' if why else ''}.",
            field="output",
            value=name,
            remedy=f"Its outputs: {names}.",
        )

    def _find(self, word: str) -> Job:
        with self._database.read() as connection:
            return table.find(connection, word)


def _chunks(blobs: Blobs, prefix: str, after: int) -> Iterator[tuple[int, dict[str, object]]]:
    """Lines of the numbered JSON-lines chunks below `prefix` whose number is above `after`."""
    for key in blobs.list(prefix):
        number = int(key.rpartition("/")[2].partition(".")[0])
        if number > after:
            for line in blobs.get(key).splitlines():
                yield number, json.loads(line)

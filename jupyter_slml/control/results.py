"""What jobs left and leave: logs, metrics, displays, outputs, read from the blob store."""

from __future__ import annotations

import json
from collections.abc import Iterator

from jupyter_slml.control.chunks import Chunks, Line, page
from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.domain.records import Attempt, Job
from jupyter_slml.domain.views import Displays, LogEntry, LogPage, MetricPoint
from jupyter_slml.errors import Conflict, NotFound
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database

#: Bytes of one page of a log, unless the reader wants another size.
PAGE = 2**20


class Results:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def logs(self, word: str, after: int, *, limit: int = PAGE, tail: bool = False) -> LogPage:
        """What was printed after position `after`: the first page of it, or with `tail` the last one."""
        job, attempts = self._with_attempts(word)
        chunks = Chunks(self._blobs, attempts, "log")
        if tail:
            lines, more = page(chunks.backwards(after), limit)[0][::-1], False
        else:
            lines, more = page(chunks.forwards(after), limit)
        return LogPage(
            entries=[LogEntry(q=line.position, n=line.attempt, **json.loads(line.data)) for line in lines],
            last=lines[-1].position if lines else after,
            more=more,
            # The job's record was read first, and an attempt's log is whole before its end is told.
            done=job.state.is_final and not more,
        )

    def metrics(self, word: str) -> Iterator[MetricPoint]:
        """The points of all attempts, in the order in which they were logged. Raises NotFound, before the first."""
        _, attempts = self._with_attempts(word)
        return (_point(line) for line in Chunks(self._blobs, attempts, "metrics").forwards())

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

    def _with_attempts(self, word: str) -> tuple[Job, list[Attempt]]:
        with self._database.read() as connection:
            job = table.find(connection, word)
            return job, table.attempts_of(connection, job.id)


def _point(line: Line) -> MetricPoint:
    found = json.loads(line.data)
    # What a cell wrote past `slml.log`, such as a number that is none, is no reason to show no point at all.
    found["values"] = {name: value for name, value in found["values"].items() if value is not None}
    return MetricPoint(attempt=line.attempt, **found)

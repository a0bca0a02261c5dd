"""Use cases of jobs: they record intent and read; the reconciler acts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from jupyter_slml.domain.cluster import ClusterStatus
from jupyter_slml.domain.instances import GIB, instance_type
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import Desired, JobState
from jupyter_slml.domain.views import (
    AttemptList,
    Displays,
    JobPage,
    LogEntry,
    LogPage,
    MetricPoint,
    MetricPoints,
    summary,
)
from jupyter_slml.errors import Conflict, Invalid, NotFound
from jupyter_slml.ports.blobs import Blobs, attempt_key, digest_key
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database, Transaction

#: Log positions: attempt number times this, plus the chunk's number.
ATTEMPT_STRIDE = 1_000_000_000


def announce(transaction: Transaction, job: Job, kind: str) -> None:
    """Append a `job.*` event that carries enough to update a list."""
    transaction.record(f"job.{kind}", "job", job.id, {"job": summary(job).model_dump(mode="json")})


class Jobs:
    def __init__(self, database: Database, blobs: Blobs, compute: Compute) -> None:
        self._database, self._blobs, self._compute = database, blobs, compute

    def submit(self, spec: JobSpec, key: str | None = None) -> tuple[Job, bool]:
        """Accept a job; returns (job, whether it is new). With a known key the job of that key is returned.

        Raises `Invalid` when captured bytes are not in the store or no worker can ever satisfy the instance type,
        `Conflict` when the key belongs to a different job.
        """
        if key is not None:
            with self._database.read() as connection:
                known = table.by_key(connection, key)
            if known is not None:
                return _same(known, spec), False
        for capture in spec.captures:
            if capture.format != "module" and not self._blobs.exists(digest_key(capture.digest)):
                raise Invalid(
                    f"The bytes of {capture.name!r} ({capture.digest[:12]}…) are not in the store.",
                    field=f"captures.{capture.name}",
                    value=capture.digest,
                    remedy="Send them first (PUT /blobs/{digest}); the magics do so by themselves.",
                )
        if spec.bundle is not None and not self._blobs.exists(digest_key(spec.bundle.digest)):
            raise Invalid("The source bundle is not in the store.", field="bundle", value=spec.bundle.digest)
        problem = self._compute.fits(instance_type(spec.instance).resources)
        if problem is not None:
            raise Invalid(
                f"No worker can run an instance of type {spec.instance}: {problem}.",
                field="instance",
                value=spec.instance,
                remedy="Choose a smaller type (--instance), or connect a larger cluster (jupyter slml connect).",
            )
        with self._database.write() as transaction:
            # Looked up again inside the write: two clients may have sent the same key at once.
            known = None if key is None else table.by_key(transaction.connection, key)
            if known is not None:
                return _same(known, spec), False
            job = Job(
                id=new_id("job"),
                name=spec.name,
                spec=spec,
                state=JobState.QUEUED,
                key=key,
                created_at=transaction.now,
            )
            table.add(transaction.connection, job)
            announce(transaction, job, "queued")
        return job, True

    def stop(self, word: str) -> Job:
        """Ask for a job's end. Asking twice, or for a job that is over, changes nothing."""
        with self._database.write() as transaction:
            job = table.find(transaction.connection, word)
            if job.state.is_final or job.desired is Desired.STOP:
                return job
            job = table.save(transaction.connection, job.evolve(desired=Desired.STOP))
            transaction.record("job.stop_requested", "job", job.id, {"job": summary(job).model_dump(mode="json")})
        return job

    def get(self, word: str) -> Job:
        """By id, or the newest of that name. A queued job says what it waits for. Raises NotFound."""
        with self._database.read() as connection:
            return self._explained(connection, [table.find(connection, word)])[0]

    def page(
        self, *, states: Sequence[str], name: str | None, search: str | None, before: str | None, limit: int
    ) -> JobPage:
        known = {state.value for state in JobState}
        for state in states:
            if state not in known:
                raise Invalid(
                    f"There is no job state {state!r}.",
                    field="state",
                    value=state,
                    remedy=f"Known states: {', '.join(sorted(known))}.",
                )
        with self._database.read() as connection:
            found, cursor, total = table.page(
                connection, states=states, name=name, search=search, before=before, limit=limit
            )
            return JobPage(jobs=[summary(job) for job in self._explained(connection, found)], next=cursor, total=total)

    def attempts(self, word: str) -> AttemptList:
        with self._database.read() as connection:
            job = table.find(connection, word)
            return AttemptList(attempts=table.attempts_of(connection, job.id))

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
        job = self.get(word)
        if job.outcome is None or job.outcome.displays is None:
            return Displays(outputs=[])
        return Displays(outputs=json.loads(b"".join(self._blobs.read(job.outcome.displays))))

    def output(self, word: str, name: str) -> Artifact:
        """Raises NotFound naming the outputs that exist, Conflict while the job has not ended."""
        job = self.get(word)
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

    def _explained(self, connection: Connection, found: list[Job]) -> list[Job]:
        """The jobs, those that wait with the reason, worked out now rather than stored for every job in the queue."""
        if not any(job.state is JobState.QUEUED and not job.reason for job in found):
            return found
        status = self._compute.status()
        places = {job_id: place for place, job_id in enumerate(table.queue(connection))}
        return [self._waiting(job, places.get(job.id, 0), status) for job in found]

    def _waiting(self, job: Job, place: int, status: ClusterStatus) -> Job:
        if job.state is not JobState.QUEUED or job.reason:
            return job
        if not status.connected:
            return job.evolve(reason=f"Waits for the cluster: {status.problem or 'it is starting'}.")
        kind = instance_type(job.spec.instance)
        ahead = f"{place} ahead of it" if place else "next in the queue"
        return job.evolve(reason=f"Waits for a slot with {kind.cpus:g} cpu and {kind.memory / GIB:g} GiB ({ahead}).")


def _same(known: Job, spec: JobSpec) -> Job:
    if known.spec.source != spec.source or known.spec.name != spec.name:
        raise Conflict(
            f"The idempotency key of this request already belongs to job {known.id} ({known.name}).",
            field="Idempotency-Key",
            value=known.key,
            remedy="Use a new key for a new job.",
        )
    return known


def _chunks(blobs: Blobs, prefix: str, after: int) -> Iterator[tuple[int, dict[str, object]]]:
    """Lines of the numbered JSON-lines chunks below `prefix` whose number is above `after`."""
    for key in blobs.list(prefix):
        number = int(key.rpartition("/")[2].partition(".")[0])
        if number > after:
            for line in blobs.get(key).splitlines():
                yield number, json.loads(line)

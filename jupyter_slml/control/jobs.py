"""Use cases of jobs: they record intent and read; the reconciler acts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from jupyter_slml.control import tuning
from jupyter_slml.control.waiting import Waiting
from jupyter_slml.domain.diffs import JobDiff, diff
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.phases import phases
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import Desired, JobState
from jupyter_slml.domain.views import AttemptList, JobPage, JobView, summary
from jupyter_slml.errors import Conflict, Invalid
from jupyter_slml.ports.blobs import Blobs, attempt_key, digest_key
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database, Transaction


def announce(transaction: Transaction, job: Job, kind: str) -> None:
    """Append a `job.*` event that carries enough to update a list."""
    transaction.record(f"job.{kind}", "job", job.id, {"job": summary(job).model_dump(mode="json")})


class Jobs:
    def __init__(self, database: Database, blobs: Blobs, compute: Compute, catalogue: Catalogue, waiting: Waiting) -> None:
        self._database, self._blobs, self._compute = database, blobs, compute
        self._catalogue, self._waiting = catalogue, waiting

    def submit(self, spec: JobSpec, key: str | None = None) -> tuple[JobView, bool]:
        """Accept a job; returns (job, whether it is new). With a known key the job of that key is returned.

        Raises `Invalid` when captured bytes are not in the store or no worker can ever satisfy the instance type, `NotFound`
        and `Conflict` for `after` that names no job or one that did not succeed, `Conflict` when the key belongs to a
        different job.
        """
        if key is not None and (spec.captures or spec.bundle is not None):
            # A repeated submit must not depend on what the store still has.
            with self._database.read() as connection:
                known = table.by_key(connection, key)
            if known is not None:
                return self._view(_same(known, spec)), False
        self._check(spec)
        return self._database.write_together(lambda transaction: self._accept(transaction, spec, key))

    def _accept(self, transaction: Transaction, spec: JobSpec, key: str | None) -> tuple[JobView, bool]:
        connection = transaction.connection
        known = None if key is None else table.by_key(connection, key)
        if known is not None:
            return JobView(**dict(_same(known, spec))), False
        needed = [_dependency(table.find(connection, word), word) for word in dict.fromkeys(spec.after)]
        open_ones = [job.id for job in needed if not job.state.is_final]
        if needed:
            # The jobs that were meant now: a later run of the same name shall not hold this one up.
            spec = spec.evolve(after=[job.id for job in needed])
        spec = tuning.resolved(connection, spec)
        job = Job(
            id=new_id("job"),
            name=spec.name,
            spec=spec,
            state=JobState.QUEUED,
            key=key,
            user=spec.origin.user or "",
            blocked=len(open_ones),
            created_at=transaction.now,
        )
        table.add(connection, job)
        table.depend(connection, job.id, open_ones)
        announce(transaction, job, "queued")
        return JobView(**dict(job)), True

    def _check(self, spec: JobSpec) -> None:
        kind = self._catalogue.get(spec.instance)
        tuning.check_budget(spec, kind)
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
        problem = self._compute.fits(kind.resources)
        if problem is not None:
            raise Invalid(
                f"No worker can run an instance of type {kind.name}: {problem}",
                field="instance",
                value=kind.name,
                remedy="Choose a smaller type (--instance), or connect a larger cluster (jupyter slml connect).",
            )

    def stop(self, word: str) -> JobView:
        """Ask for a job's end. Asking twice, or for a job that is over, changes nothing."""
        with self._database.write() as transaction:
            job = self._stop(transaction, table.find(transaction.connection, word))
        return self._view(job)

    def stop_all(self, words: Sequence[str], states: Sequence[str], name: str | None) -> list[str]:
        """Ask for the end of the named jobs, or of all unfinished ones in these states or of this name; returns their ids.

        Raises NotFound for a word that names no job, Invalid for a state that there is not; then none is stopped.
        """
        _check_states(states)
        with self._database.write() as transaction:
            connection = transaction.connection
            if words:
                found = [table.find(connection, word) for word in words]
            else:
                ids = table.unfinished(connection)
                found = [table.get(connection, job_id) for job_id in ids]
                found = [job for job in found if (not states or job.state in states) and (name is None or job.name == name)]
            return [self._stop(transaction, job).id for job in found if not job.state.is_final]

    def _stop(self, transaction: Transaction, job: Job) -> Job:
        if job.state.is_final or job.desired is Desired.STOP:
            return job
        job = table.save(transaction.connection, job.evolve(desired=Desired.STOP))
        announce(transaction, job, "stop_requested")
        return job

    def delete(self, words: Sequence[str]) -> list[str]:
        """Delete ended jobs with their attempts, logs and metrics; returns their ids. Artifacts go with the next `gc`.

        Raises NotFound, and Conflict for a job that has not ended; then none is deleted.
        """
        with self._database.write() as transaction:
            found = [table.find(transaction.connection, word) for word in dict.fromkeys(words)]
            for job in found:
                if not job.state.is_final:
                    raise Conflict(
                        f"Job {job.id} ({job.name}) is {job.state.value}; only ended jobs can be deleted.",
                        field="jobs",
                        value=job.id,
                        remedy=f"Stop it first: jupyter slml jobs stop {job.id}",
                    )
            gone = [key for job in found for key in remove(transaction, job)]
        for attempt in gone:
            for key in self._blobs.list(attempt_key(attempt, "").rstrip("/")):
                self._blobs.delete(key)
        return [job.id for job in found]

    def get(self, word: str) -> JobView:
        """By id, or the newest of that name, with its phases; a queued job says what it waits for. Raises NotFound."""
        with self._database.read() as connection:
            job = table.find(connection, word)
        return self._view(job)

    def page(
        self, *, states: Sequence[str], name: str | None, search: str | None, before: str | None, limit: int
    ) -> JobPage:
        _check_states(states)
        with self._database.read() as connection:
            found, cursor, total = table.page(
                connection, states=states, name=name, search=search, before=before, limit=limit
            )
            waits = self._waiting.explain(connection, [job.id for job in found if job.state is JobState.QUEUED])
        found = [job.evolve(reason=waits[job.id].reason) if job.id in waits else job for job in found]
        return JobPage(jobs=found, next=cursor, total=total)

    def attempts(self, word: str) -> AttemptList:
        with self._database.read() as connection:
            return AttemptList(attempts=table.attempts_of(connection, table.find(connection, word).id))

    def diff(self, before: str, after: str) -> JobDiff:
        """What changed from one job to another. Raises NotFound."""
        with self._database.read() as connection:
            return diff(table.find(connection, before), table.find(connection, after))

    def _view(self, job: Job) -> JobView:
        with self._database.read() as connection:
            waits = self._waiting.explain(connection, [job.id]).get(job.id) if job.state is JobState.QUEUED else None
            attempts = table.attempts_of(connection, job.id)
        more = {} if waits is None else {"reason": waits.reason, "expected_at": waits.until}
        # What a full disk holds up cannot be written down there.
        if job.state is JobState.QUEUED and self._database.problem:
            more = {"reason": f"Waits: {self._database.problem}"}
        elif attempts and not job.state.is_final and (held := self._compute.waits(attempts[-1].id)):
            more = {"reason": held}
        return JobView(**{**dict(job), "phases": phases(job, attempts), **more})


def remove(transaction: Transaction, job: Job) -> list[str]:
    """Delete a job's rows inside a write; returns its attempts, whose blobs the caller deletes after the commit."""
    connection: Connection = transaction.connection
    attempts = [attempt.id for attempt in table.attempts_of(connection, job.id)]
    table.delete(connection, job.id)
    transaction.record("job.deleted", "job", job.id, {"name": job.name})
    return attempts


def _check_states(states: Sequence[str]) -> None:
    known = {state.value for state in JobState}
    for state in states:
        if state not in known:
            raise Invalid(
                f"There is no job state {state!r}.",
                field="state",
                value=state,
                remedy=f"Known states: {', '.join(sorted(known))}.",
            )


def _same(known: Job, spec: JobSpec) -> Job:
    if known.spec.source != spec.source or known.spec.name != spec.name:
        raise Conflict(
            f"The idempotency key of this request already belongs to job {known.id} ({known.name}).",
            field="Idempotency-Key",
            value=known.key,
            remedy="Use a new key for a new job.",
        )
    return known


def _dependency(needed: Job, word: str) -> Job:
    if needed.state.is_final and needed.state is not JobState.SUCCEEDED:
        raise Conflict(
            f"Job {needed.id} ({needed.name}) is {needed.state.value}: a job after it would never run.",
            field="after",
            value=word,
            remedy="Run it again first, or leave `--after` out.",
        )
    return needed

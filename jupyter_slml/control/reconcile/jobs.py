"""Jobs and attempts: what is asked for and heard, through the life-cycle tables, into records and effects."""

from __future__ import annotations

import asyncio
import math

from jupyter_slml.control import jobs as cases
from jupyter_slml.control import models
from jupyter_slml.control.observations import Key, Progress, Started
from jupyter_slml.control.orders import attempt_order
from jupyter_slml.domain.instances import instance_type
from jupyter_slml.domain.lifecycles.attempts import ATTEMPTS, AttemptEvent
from jupyter_slml.domain.lifecycles.jobs import JOBS, JobEffect, JobEvent
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.records import Attempt, Job
from jupyter_slml.domain.states import AttemptState, Desired, JobState
from jupyter_slml.errors import Invalid
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import events
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database, Transaction

#: How often the platform may lose a job before it gives up.
PLATFORM_RETRIES = 3
#: How many waiting jobs are looked at when a slot is free, so that a large one in front does not hide small ones.
LOOK_AHEAD = 64

_ENDS = {
    AttemptState.SUCCEEDED: AttemptEvent.SUCCEEDED,
    AttemptState.FAILED: AttemptEvent.FAILED,
    AttemptState.STOPPED: AttemptEvent.STOPPED,
    AttemptState.TIMED_OUT: AttemptEvent.TIMED_OUT,
    AttemptState.LOST: AttemptEvent.LOST,
}


class JobMoves:
    """The steps of jobs. Methods that take a Transaction move records; the async ones carry out effects."""

    def __init__(self, database: Database, compute: Compute, store: str) -> None:
        self._database, self._compute, self._store = database, compute, store

    def _move_job(
        self, transaction: Transaction, job: Job, event: JobEvent, **changes: object
    ) -> tuple[Job, tuple[JobEffect, ...]]:
        allowed = JOBS.allows(job.state, event)
        story = () if allowed else events.story(transaction.connection, "job", job.id)
        move = JOBS.apply(job.state, event, subject=job.id, story=story)
        if move.state.is_final:
            changes.setdefault("ended_at", transaction.now)
        moved = table.save(transaction.connection, job.evolve(state=move.state, **changes))
        cases.announce(transaction, moved, move.state.value)
        return moved, move.effects

    async def placeable(self) -> list[str]:
        """Waiting jobs that have a slot now, first come first served; one that does not fit lets smaller ones pass.

        Take one, start it, then ask again: each started job changes what is free.
        """
        if not self._compute.status().connected:
            return []
        waiting = await asyncio.to_thread(self._waiting)
        return [job for job, instance in waiting if self._compute.slot(instance_type(instance).resources)]

    def _waiting(self) -> list[tuple[str, str]]:
        with self._database.read() as connection:
            ids = table.queue(connection)[:LOOK_AHEAD]
            return [(job_id, table.get(connection, job_id).spec.instance) for job_id in ids]

    def start(self, transaction: Transaction, job_id: str) -> list[Key]:
        job = table.get(transaction.connection, job_id)
        if job.state is not JobState.QUEUED or job.desired is Desired.STOP:
            return []
        attempt = Attempt(
            id=new_id("att"),
            job=job.id,
            number=job.attempts + 1,
            state=AttemptState.SUBMITTED,
            created_at=transaction.now,
        )
        table.add_attempt(transaction.connection, attempt)
        self._move_job(transaction, job, JobEvent.PLACED, attempts=attempt.number, reason="")
        return [("submit", attempt.id)]

    def step(self, transaction: Transaction, job_id: str) -> list[Key]:
        job = table.get(transaction.connection, job_id)
        if job.desired is Desired.STOP and JOBS.allows(job.state, JobEvent.STOP_REQUESTED):
            job, effects = self._move_job(transaction, job, JobEvent.STOP_REQUESTED, reason="Stopped on request.")
            return self._ends(transaction, job) if JobEffect.STOP_ATTEMPT in effects else []
        return self._ends(transaction, job) if job.state is JobState.STOPPING else []

    def _ends(self, transaction: Transaction, job: Job) -> list[Key]:
        attempts = table.attempts_of(transaction.connection, job.id)
        return [("end", attempt.id) for attempt in attempts if not attempt.state.is_final]

    def hear(self, transaction: Transaction, attempt_id: str, report: Started | Progress | Outcome) -> list[Key]:
        attempt = table.get_attempt(transaction.connection, attempt_id)
        if attempt is None or attempt.state.is_final:
            return []  # A report that was repeated after a restart.
        job = table.get(transaction.connection, attempt.job)
        if isinstance(report, Progress):
            metrics = {**job.metrics, **_finite(report.metrics)}
            if metrics != job.metrics:
                job = table.save(transaction.connection, job.evolve(metrics=metrics))
                cases.announce(transaction, job, "progress")
            return []
        if isinstance(report, Started):
            if attempt.state is not AttemptState.SUBMITTED:
                return []
            move = ATTEMPTS.apply(attempt.state, AttemptEvent.STARTED, subject=attempt.id)
            started = report.at or transaction.now
            table.save_attempt(
                transaction.connection,
                attempt.evolve(state=move.state, host=report.host, pid=report.pid, started_at=started),
            )
            job, effects = self._move_job(transaction, job, JobEvent.STARTED, started_at=job.started_at or started)
            return self._ends(transaction, job) if JobEffect.STOP_ATTEMPT in effects else []
        end = ATTEMPTS.apply(attempt.state, _ENDS[report.state], subject=attempt.id)
        table.save_attempt(
            transaction.connection,
            attempt.evolve(state=end.state, outcome=report, ended_at=report.ended_at or transaction.now),
        )
        self._decide(transaction, job, report)
        return [("queue", "")]

    def _decide(self, transaction: Transaction, job: Job, outcome: Outcome) -> None:
        """What the end of an attempt means for its job."""
        changes: dict[str, object] = {
            "outcome": outcome,
            "reason": outcome.message,
            "metrics": {**job.metrics, **_finite(outcome.metrics)},
        }
        stopping = job.desired is Desired.STOP
        match outcome.state:
            case AttemptState.SUCCEEDED:
                event = JobEvent.SUCCEEDED
                if job.spec.register_as is not None:
                    event = self._register(transaction, job, outcome, job.spec.register_as, changes)
            case AttemptState.FAILED if job.failures < job.spec.retries and not stopping:
                event = JobEvent.RETRIED
                number = job.failures + 1
                changes |= {"failures": number, "reason": f"Failed, retry {number} of {job.spec.retries}: {outcome.message}"}
            case AttemptState.LOST if job.losses < PLATFORM_RETRIES and not stopping:
                event = JobEvent.RETRIED
                changes |= {"losses": job.losses + 1, "reason": f"Runs again, the platform lost it: {outcome.message}"}
            case AttemptState.LOST:
                event = JobEvent.STOPPED if stopping else JobEvent.LOST
            case AttemptState.FAILED:
                event = JobEvent.FAILED
            case AttemptState.TIMED_OUT:
                event = JobEvent.TIMED_OUT
            case _:
                event = JobEvent.STOPPED
        if event is JobEvent.RETRIED:
            changes["outcome"] = None
        self._move_job(transaction, job, event, **changes)

    def _register(
        self, transaction: Transaction, job: Job, outcome: Outcome, model: str, changes: dict[str, object]
    ) -> JobEvent:
        """Register inside the transaction that ends the job, so that a succeeded job's version is always there."""
        try:
            wanted = job.spec.outputs[0] if len(job.spec.outputs) == 1 else None
            artifact = models.pick(job, outcome, wanted)
        except Invalid as error:
            reason = f"The cell ran, but could not be registered as {model!r}: {error}"
            changes |= {
                "reason": reason,
                "outcome": outcome.evolve(message=reason, reason=Reason.OUTPUT, state=AttemptState.FAILED),
            }
            return JobEvent.FAILED
        version = models.register(transaction, model, job, artifact, outcome)
        changes["registered"] = version.reference
        return JobEvent.SUCCEEDED

    async def submit(self, attempt_id: str) -> None:
        with self._database.read() as connection:
            attempt = table.get_attempt(connection, attempt_id)
            if attempt is None or attempt.state.is_final:
                return
            job = table.get(connection, attempt.job)
        await self._compute.submit(attempt_order(job, attempt, self._store))
        if job.state is JobState.STOPPING:
            await self.end(attempt_id)

    async def end(self, attempt_id: str) -> None:
        with self._database.read() as connection:
            attempt = table.get_attempt(connection, attempt_id)
            if attempt is None or attempt.state.is_final:
                return
            grace = table.get(connection, attempt.job).spec.grace
        await self._compute.stop(attempt_id, "stop", grace)


def _finite(values: dict[str, float]) -> dict[str, float]:
    """Metrics that JSON can carry: NaN and infinities stay in the log of points and out of the record."""
    return {name: value for name, value in values.items() if math.isfinite(value)}

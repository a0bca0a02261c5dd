"""Jobs and attempts: what is asked for and heard, through the life-cycle tables, into records and effects."""

from __future__ import annotations

import asyncio

from jupyter_slml.control import evidence, models, retries, tuning
from jupyter_slml.control import jobs as cases
from jupyter_slml.control.limits import Limits
from jupyter_slml.control.observations import FirstLine, Key, Progress, Started, Waits
from jupyter_slml.control.orders import attempt_order
from jupyter_slml.control.turns import in_turn
from jupyter_slml.domain.instances import CPU_RESOURCE, Catalogue
from jupyter_slml.domain.lifecycles.attempts import ATTEMPTS, AttemptEvent
from jupyter_slml.domain.lifecycles.jobs import JOBS, JobEffect, JobEvent
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.outcomes import Outcome, Reason, finite
from jupyter_slml.domain.records import Attempt, Job
from jupyter_slml.domain.states import AttemptState, Desired, JobState
from jupyter_slml.errors import Invalid
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import events, queue
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database, Transaction

#: How many waiting jobs are looked at when a slot is free, so that a large one in front does not hide small ones.
LOOK_AHEAD = 64

_ENDS = {
    AttemptState.SUCCEEDED: AttemptEvent.SUCCEEDED,
    AttemptState.FAILED: AttemptEvent.FAILED,
    AttemptState.STOPPED: AttemptEvent.STOPPED,
    AttemptState.TIMED_OUT: AttemptEvent.TIMED_OUT,
    AttemptState.LOST: AttemptEvent.LOST,
}
#: What the end of its last attempt makes of a job.
_VERDICTS = {
    AttemptState.FAILED: JobEvent.FAILED,
    AttemptState.TIMED_OUT: JobEvent.TIMED_OUT,
    AttemptState.LOST: JobEvent.LOST,
}


_ENDED = {
    JobState.FAILED: "failed",
    JobState.STOPPED: "was stopped",
    JobState.TIMED_OUT: "ran out of time",
    JobState.LOST: "was lost",
}


class JobMoves:
    """The steps of jobs. Methods that take a Transaction move records; the async ones carry out effects."""

    def __init__(self, database: Database, compute: Compute, store: str, catalogue: Catalogue, limits: Limits) -> None:
        self._database, self._compute, self._store = database, compute, store
        self._catalogue, self._limits = catalogue, limits
        #: Less than this no job asks for.
        self._least = min((kind.resources for kind in catalogue), key=lambda wanted: wanted[CPU_RESOURCE])
        #: When each user was last given a slot.
        self._served: dict[str, float] = {}

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
        if moved.state.is_final:
            self._release(transaction, moved)
        return moved, move.effects

    def _release(self, transaction: Transaction, job: Job) -> None:
        """Let those go on that waited for this job; those that needed its success will not run."""
        for waiting in table.dependents(transaction.connection, job.id):
            if job.state is JobState.SUCCEEDED:
                table.save(transaction.connection, waiting.evolve(blocked=max(0, waiting.blocked - 1)))
            else:
                reason = f"Not run: {job.name} ({job.id}), which it waited for, {_ENDED[job.state]}."
                self._move_job(transaction, waiting, JobEvent.STOP_REQUESTED, reason=reason)

    async def placeable(self) -> tuple[list[str], float | None]:
        """Queued jobs that have a slot now, in the order of their turns, and seconds until a back-off ends.

        A job that does not fit lets smaller ones pass. Take one, start it, then ask again: each started job changes what
        is free and whose turn it is.
        """
        if not self._compute.slot(self._least):
            # Nothing is free (or nothing is connected): the cluster says when that changes.
            return [], None
        waiting, delay = await asyncio.to_thread(self._waiting)
        return [job.id for job in waiting if self._compute.slot(self._catalogue.get(job.instance).resources)], delay

    def _waiting(self) -> tuple[list[queue.Waiting], float | None]:
        with self._database.read() as connection:
            now = self._database.clock.now()
            found = queue.startable(connection, now, LOOK_AHEAD)
            by_user, by_kind = table.live_by_user(connection), table.live_by_instance(connection)
            start = queue.next_start(connection)
        allowed = [job for job in found if self._limits.allow(job.user, self._catalogue.get(job.instance), by_user, by_kind)]
        return in_turn(allowed, by_user, self._served), None if start is None or start <= now else start - now

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
        self._served[job.user] = transaction.now
        self._move_job(transaction, job, JobEvent.PLACED, attempts=attempt.number, reason="", not_before=None)
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

    def hear(
        self, transaction: Transaction, attempt_id: str, report: Started | FirstLine | Progress | Waits | Outcome
    ) -> list[Key]:
        attempt = table.get_attempt(transaction.connection, attempt_id)
        if attempt is None or attempt.state.is_final:
            return []  # A report that was repeated after a restart.
        job = table.get(transaction.connection, attempt.job)
        if isinstance(report, Progress):
            metrics = {**job.metrics, **finite(report.metrics)}
            if metrics != job.metrics:
                job = table.save(transaction.connection, job.evolve(metrics=metrics))
                cases.announce(transaction, job, "progress")
            elif job.spec.tuning is not None:
                # A trial has begun or ended: who shows them looks again.
                cases.announce(transaction, job, "progress")
            return []
        if isinstance(report, Waits):
            if job.state is not JobState.STOPPING and report.reason != job.reason:
                job = table.save(transaction.connection, job.evolve(reason=report.reason))
                cases.announce(transaction, job, "progress")
            return []
        if isinstance(report, FirstLine):
            table.save_attempt(transaction.connection, attempt.evolve(first_line_at=report.at))
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
            "metrics": {**job.metrics, **finite(outcome.metrics)},
        }
        if outcome.state is AttemptState.SUCCEEDED:
            # Those of the attempt that committed: what an earlier one had logged was not its doing.
            changes["metrics"] = finite(outcome.metrics)
            event = JobEvent.SUCCEEDED
            if job.spec.evaluates is not None:
                evidence.record(transaction, job, outcome)
            if job.spec.register_as is not None:
                event = self._register(transaction, job, outcome, job.spec.register_as, changes)
        elif outcome.state is AttemptState.STOPPED:
            event = JobEvent.STOPPED
        elif job.desired is Desired.STOP:
            event = JobEvent.STOPPED if outcome.state is AttemptState.LOST else _VERDICTS[outcome.state]
        elif (retry := retries.after(job, outcome)) is not None:
            event = JobEvent.RETRIED
            changes |= {
                "outcome": None,
                "reason": retry.reason,
                "retried": {**job.retried, retry.cause: retry.number},
                "not_before": transaction.now + retry.delay if retry.delay else None,
            }
        else:
            event = _VERDICTS[outcome.state]
        self._move_job(transaction, job, event, **changes)

    def _register(
        self, transaction: Transaction, job: Job, outcome: Outcome, model: str, changes: dict[str, object]
    ) -> JobEvent:
        """Register inside the transaction that ends the job, so that a succeeded job's version is always there."""
        try:
            wanted = job.spec.outputs[0] if len(job.spec.outputs) == 1 else None
            artifact = models.pick(job, outcome, wanted, job.spec.allow_pickle)
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
            earlier, known = tuning.history(connection, job, attempt)
        kind = self._catalogue.get(job.spec.instance)
        await self._compute.submit(attempt_order(job, attempt, kind, self._store, earlier, known))
        if job.state is JobState.STOPPING:
            await self.end(attempt_id)

    async def end(self, attempt_id: str) -> None:
        with self._database.read() as connection:
            attempt = table.get_attempt(connection, attempt_id)
            if attempt is None or attempt.state.is_final:
                return
            grace = table.get(connection, attempt.job).spec.grace
        await self._compute.stop(attempt_id, "stop", grace)

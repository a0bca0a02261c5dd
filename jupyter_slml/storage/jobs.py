"""Jobs and their attempts in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from jupyter_slml.domain.records import Attempt, Job
from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.errors import Invalid, NotFound
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import attempts, jobs

_JOB = ("spec", "outcome", "metrics")
_ATTEMPT = ("outcome",)


def add(connection: Connection, job: Job) -> None:
    """Store a new job. Raises IntegrityError of SQLAlchemy when its key is taken: look it up with `by_key` first."""
    spec = job.spec
    row = to_row(job, _JOB)
    connection.execute(insert(jobs).values(**row, kind=spec.kind, instance=spec.instance, notebook=spec.origin.notebook))


def save(connection: Connection, job: Job) -> Job:
    """Store a changed job; its revision rises."""
    job = job.evolve(revision=job.revision + 1)
    row = to_row(job, _JOB)
    del row["spec"], row["id"]
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(**row))
    return job


def get(connection: Connection, job_id: str) -> Job:
    """Raises NotFound."""
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
    if row is None:
        raise NotFound(
            f"There is no job {job_id!r}.",
            field="job",
            value=job_id,
            remedy="`%jobs` (or `jupyter slml jobs`) lists them.",
        )
    return to_record(Job, row, _JOB)


def find(connection: Connection, word: str) -> Job:
    """The job with that id, or the newest of that name. Raises NotFound."""
    row = connection.execute(
        select(jobs.c.id)
        .where(or_(jobs.c.id == word, jobs.c.name == word))
        .order_by((jobs.c.id == word).desc(), jobs.c.created_at.desc())
        .limit(1)
    ).first()
    return get(connection, word if row is None else row.id)


def by_key(connection: Connection, key: str) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.key == key)).mappings().first()
    return None if row is None else to_record(Job, row, _JOB)


def unfinished(connection: Connection) -> list[str]:
    """Ids of the jobs that are not final, oldest first."""
    open_states = [state for state in JobState if not state.is_final]
    rows = connection.execute(select(jobs.c.id).where(jobs.c.state.in_(open_states)).order_by(jobs.c.created_at, jobs.c.id))
    return [row.id for row in rows]


def queue(connection: Connection) -> list[str]:
    """Ids of the queued jobs, first come first."""
    rows = connection.execute(
        select(jobs.c.id).where(jobs.c.state == JobState.QUEUED).order_by(jobs.c.created_at, jobs.c.id)
    )
    return [row.id for row in rows]


def page(
    connection: Connection,
    *,
    states: Sequence[str] = (),
    name: str | None = None,
    search: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> tuple[list[Job], str | None, int]:
    """One page, newest first: (jobs, cursor of the next page or None, number of all matches).

    Raises Invalid for a cursor that no earlier page returned.
    """
    matches = select(func.count()).select_from(jobs)
    query = select(jobs)
    conditions: list[ColumnElement[bool]] = []
    if states:
        conditions.append(jobs.c.state.in_(states))
    if name:
        conditions.append(jobs.c.name == name)
    if search:
        conditions.append(or_(jobs.c.name.contains(search, autoescape=True), jobs.c.id == search))
    for condition in conditions:
        matches, query = matches.where(condition), query.where(condition)
    if before:
        at, _, last = before.partition("~")
        try:
            moment = float(at)
        except ValueError:
            raise Invalid(f"{before!r} is not a cursor of this list.", field="before", value=before) from None
        query = query.where(or_(jobs.c.created_at < moment, and_(jobs.c.created_at == moment, jobs.c.id < last)))
    rows = connection.execute(query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit + 1)).mappings()
    found = [to_record(Job, row, _JOB) for row in rows]
    cursor = f"{found[limit - 1].created_at!r}~{found[limit - 1].id}" if len(found) > limit else None
    return found[:limit], cursor, connection.scalar(matches) or 0


def counts(connection: Connection) -> dict[str, int]:
    """Number of jobs by state."""
    rows = connection.execute(select(jobs.c.state, func.count().label("number")).group_by(jobs.c.state))
    return {row.state: row.number for row in rows}


def add_attempt(connection: Connection, attempt: Attempt) -> None:
    connection.execute(insert(attempts).values(**to_row(attempt, _ATTEMPT)))


def save_attempt(connection: Connection, attempt: Attempt) -> None:
    connection.execute(update(attempts).where(attempts.c.id == attempt.id).values(**to_row(attempt, _ATTEMPT)))


def get_attempt(connection: Connection, attempt_id: str) -> Attempt | None:
    row = connection.execute(select(attempts).where(attempts.c.id == attempt_id)).mappings().first()
    return None if row is None else to_record(Attempt, row, _ATTEMPT)


def attempts_of(connection: Connection, job_id: str) -> list[Attempt]:
    """All attempts of a job, oldest first."""
    rows = connection.execute(select(attempts).where(attempts.c.job == job_id).order_by(attempts.c.number)).mappings()
    return [to_record(Attempt, row, _ATTEMPT) for row in rows]


def open_attempts(connection: Connection) -> list[Attempt]:
    """Attempts without a final word."""
    rows = connection.execute(
        select(attempts).where(attempts.c.state.in_([AttemptState.SUBMITTED, AttemptState.RUNNING]))
    ).mappings()
    return [to_record(Attempt, row, _ATTEMPT) for row in rows]

"""Jobs and their attempts in SQL."""

from __future__ import annotations

import json
import statistics
from collections.abc import Collection, Sequence

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, bindparam, func, insert, or_, select, update
from sqlalchemy import delete as sql_delete

from jupyter_slml.domain.records import Attempt, Job
from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.domain.views import JobSummary
from jupyter_slml.errors import Invalid, NotFound
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import attempts, dependencies, jobs

_JOB = ("spec", "outcome", "metrics", "retried")
_ATTEMPT = ("outcome",)
_SUMMARY = [jobs.c[name] for name in JobSummary.model_fields]
_CHANGING = ("outcome", "metrics", "retried")
_LIVE = (JobState.STARTING, JobState.RUNNING, JobState.STOPPING)

# Built once: building a statement anew costs SQLAlchemy more than SQLite needs to run it.
_WHICH: BindParameter[str] = bindparam("which")
_ADD, _SAVE = insert(jobs), update(jobs).where(jobs.c.id == _WHICH)
_GET, _BY_KEY = select(jobs).where(jobs.c.id == _WHICH), select(jobs).where(jobs.c.key == _WHICH)
_ADD_ATTEMPT, _SAVE_ATTEMPT = insert(attempts), update(attempts).where(attempts.c.id == _WHICH)
_GET_ATTEMPT = select(attempts).where(attempts.c.id == _WHICH)


def add(connection: Connection, job: Job) -> None:
    """Store a new job. Raises IntegrityError of SQLAlchemy when its key is taken: look it up with `by_key` first."""
    spec = job.spec
    row = to_row(job, _JOB)
    searched = {
        "kind": spec.kind,
        "instance": spec.instance,
        "notebook": spec.origin.notebook,
        "priority": spec.priority,
    }
    connection.execute(_ADD, row | searched)


def save(connection: Connection, job: Job) -> Job:
    """Store a changed job; its revision rises."""
    job = job.evolve(revision=job.revision + 1)
    row = to_row(job, _CHANGING)
    del row["spec"], row["id"]
    connection.execute(_SAVE, row | {"which": job.id})
    return job


def get(connection: Connection, job_id: str) -> Job:
    """Raises NotFound."""
    row = connection.execute(_GET, {"which": job_id}).mappings().first()
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
    row = connection.execute(_BY_KEY, {"which": key}).mappings().first()
    return None if row is None else to_record(Job, row, _JOB)


def unfinished(connection: Connection) -> list[str]:
    """Ids of the jobs that are not final, oldest first."""
    open_states = [state for state in JobState if not state.is_final]
    rows = connection.execute(select(jobs.c.id).where(jobs.c.state.in_(open_states)).order_by(jobs.c.created_at, jobs.c.id))
    return [row.id for row in rows]


def live_by_user(connection: Connection) -> dict[str, int]:
    """How many jobs of each user hold a slot."""
    rows = connection.execute(
        select(jobs.c.user, func.count().label("number")).where(jobs.c.state.in_(_LIVE)).group_by(jobs.c.user)
    )
    return {row.user: row.number for row in rows}


def live_by_instance(connection: Connection) -> dict[str, int]:
    """How many jobs of each instance type hold a slot."""
    rows = connection.execute(
        select(jobs.c.instance, func.count().label("number")).where(jobs.c.state.in_(_LIVE)).group_by(jobs.c.instance)
    )
    return {row.instance: row.number for row in rows}


def typical_seconds(connection: Connection, name: str, sample: int = 20) -> float | None:
    """Median running time of the latest succeeded jobs of a name; None when there was none."""
    rows = connection.execute(
        select(jobs.c.started_at, jobs.c.ended_at)
        .where(jobs.c.name == name, jobs.c.state == JobState.SUCCEEDED, jobs.c.started_at.is_not(None))
        .order_by(jobs.c.created_at.desc())
        .limit(sample)
    )
    spans = [row.ended_at - row.started_at for row in rows]
    return statistics.median(spans) if spans else None


def holding(connection: Connection) -> list[tuple[str, float | None]]:
    """Name and start of the jobs that hold a slot."""
    rows = connection.execute(select(jobs.c.name, jobs.c.started_at).where(jobs.c.state.in_(_LIVE)))
    return [(row.name, row.started_at) for row in rows]


def depend(connection: Connection, job_id: str, needs: Sequence[str]) -> None:
    """Note that a job waits for others."""
    for needed in needs:
        connection.execute(insert(dependencies).values(job=job_id, needs=needed))


def dependents(connection: Connection, needed: str) -> list[Job]:
    """Queued jobs that wait for this one."""
    rows = connection.execute(
        select(jobs)
        .join(dependencies, dependencies.c.job == jobs.c.id)
        .where(dependencies.c.needs == needed, jobs.c.state == JobState.QUEUED)
    ).mappings()
    return [to_record(Job, row, _JOB) for row in rows]


def finished(connection: Connection, ended_before: float, keep: int) -> list[Job]:
    """Final jobs that ended before a moment and are not among the newest `keep` of their name, oldest first."""
    ranked = (
        select(
            jobs.c.id.label("ranked"),
            func.row_number().over(partition_by=jobs.c.name, order_by=jobs.c.created_at.desc()).label("age"),
        )
    ).subquery()
    rows = connection.execute(
        select(jobs)
        .join(ranked, ranked.c.ranked == jobs.c.id)
        .where(
            jobs.c.state.in_([state for state in JobState if state.is_final]),
            jobs.c.ended_at < ended_before,
            ranked.c.age > keep,
        )
        .order_by(jobs.c.created_at)
    ).mappings()
    return [to_record(Job, row, _JOB) for row in rows]


def delete(connection: Connection, job_id: str) -> None:
    """Delete a job with its attempts and dependencies. Its events stay: the log is append-only."""
    connection.execute(sql_delete(jobs).where(jobs.c.id == job_id))


def of_kind(connection: Connection, kind: str) -> list[Job]:
    """Every job of a kind."""
    return [to_record(Job, row, _JOB) for row in connection.execute(select(jobs).where(jobs.c.kind == kind)).mappings()]


def attempt_ids(connection: Connection) -> set[str]:
    """Every attempt that is known."""
    return set(connection.scalars(select(attempts.c.id)))


def digests(connection: Connection, without: Collection[str] = ()) -> set[str]:
    """Every digest that some job refers to, those in `without` left out: captures, bundles, outputs, displays."""
    found: set[str] = set()
    for row in connection.execute(select(jobs.c.id, jobs.c.spec, jobs.c.outcome)):
        if row.id in without:
            continue
        spec = json.loads(row.spec)
        found |= {item["digest"] for item in spec["captures"] if item["format"] != "module"}
        if spec["bundle"]:
            found.add(spec["bundle"]["digest"])
        if row.outcome:
            outcome = json.loads(row.outcome)
            found |= {item["digest"] for item in [*outcome["outputs"], *outcome.get("files", [])]}
            found |= {item["baseline"] for item in outcome["outputs"] if item.get("baseline")}
            found |= {outcome[name] for name in ("displays", "notebook") if outcome.get(name)}
    return found


def page(
    connection: Connection,
    *,
    states: Sequence[str] = (),
    name: str | None = None,
    search: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> tuple[list[JobSummary], str | None, int]:
    """One page, newest first: (jobs, cursor of the next page or None, number of all matches). Reads no spec or outcome.

    Raises Invalid for a cursor that no earlier page returned.
    """
    matches = select(func.count()).select_from(jobs)
    query = select(*_SUMMARY)
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
    found = [to_record(JobSummary, row, ("metrics",)) for row in rows]
    cursor = f"{found[limit - 1].created_at!r}~{found[limit - 1].id}" if len(found) > limit else None
    return found[:limit], cursor, connection.scalar(matches) or 0


def counts(connection: Connection) -> dict[str, int]:
    """Number of jobs by state."""
    rows = connection.execute(select(jobs.c.state, func.count().label("number")).group_by(jobs.c.state))
    return {row.state: row.number for row in rows}


def add_attempt(connection: Connection, attempt: Attempt) -> None:
    connection.execute(_ADD_ATTEMPT, to_row(attempt, _ATTEMPT))


def save_attempt(connection: Connection, attempt: Attempt) -> None:
    row = to_row(attempt, _ATTEMPT)
    del row["id"]
    connection.execute(_SAVE_ATTEMPT, row | {"which": attempt.id})


def get_attempt(connection: Connection, attempt_id: str) -> Attempt | None:
    row = connection.execute(_GET_ATTEMPT, {"which": attempt_id}).mappings().first()
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

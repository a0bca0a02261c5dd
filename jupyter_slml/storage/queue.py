"""Queued jobs in SQL: which could start, and where one stands. What is counted is counted by the database, over an index."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

from jupyter_slml.domain.states import Desired, JobState
from jupyter_slml.storage.schema import dependencies, jobs

_OPEN = [state for state in JobState if not state.is_final]


class Waiting(NamedTuple):
    """A queued job as the order of turns and its explanation see it."""

    id: str
    user: str
    priority: int
    created_at: float
    instance: str
    blocked: int
    not_before: float | None
    reason: str


#: Within a line.
_ORDER = (jobs.c.created_at, jobs.c.id)
_COLUMNS = [jobs.c[name] for name in Waiting._fields]


class Needed(NamedTuple):
    """A job that another one waits for."""

    id: str
    name: str
    state: str


def startable(connection: Connection, now: float, limit: int) -> list[Waiting]:
    """Queued jobs that could start now: of each user the first ones, `limit` in all or a little more.

    Only the heads of the users' queues are read, so that a long queue costs no more than a short one. Jobs that others
    block and jobs in a back-off are left out.
    """
    users = connection.scalars(select(jobs.c.user).where(jobs.c.state == JobState.QUEUED).distinct()).all()
    found: list[Waiting] = []
    for user in users:
        query = (
            select(*_COLUMNS)
            .where(
                jobs.c.state == JobState.QUEUED,
                jobs.c.user == user,
                jobs.c.desired == Desired.RUN,
                jobs.c.blocked == 0,
                or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now),
            )
            .order_by(jobs.c.priority.desc(), jobs.c.created_at, jobs.c.id)
            .limit(max(1, limit // len(users)))
        )
        found += [Waiting(*row) for row in connection.execute(query)]
    return found


def next_start(connection: Connection) -> float | None:
    """When the first back-off of a queued job ends; None when none waits for that."""
    found: float | None = connection.scalar(
        select(func.min(jobs.c.not_before)).where(jobs.c.state == JobState.QUEUED, jobs.c.not_before.is_not(None))
    )
    return found


def waiting(connection: Connection, ids: Collection[str]) -> list[Waiting]:
    """Those of these jobs that are queued."""
    rows = connection.execute(select(*_COLUMNS).where(jobs.c.id.in_(ids), jobs.c.state == JobState.QUEUED))
    return [Waiting(*row) for row in rows]


def lengths(connection: Connection) -> dict[tuple[str, int], int]:
    """How many jobs stand in the line of each (user, priority), blocked ones and those in a back-off too."""
    line = (jobs.c.user, jobs.c.priority)
    rows = connection.execute(select(*line, func.count().label("n")).where(jobs.c.state == JobState.QUEUED).group_by(*line))
    return {(row.user, row.priority): row.n for row in rows}


def numbers(connection: Connection, asked: Collection[Waiting]) -> dict[str, int]:
    """Number of each of these jobs in the line of its user and priority, from 1."""
    oldest, newest = min(job.created_at for job in asked), max(job.created_at for job in asked)
    line = (jobs.c.user, jobs.c.priority)
    passed = connection.execute(
        select(*line, func.count().label("n"))
        .where(jobs.c.state == JobState.QUEUED, jobs.c.created_at < oldest)
        .group_by(*line)
    )
    before = {(row.user, row.priority): row.n for row in passed}
    # Usually a page of neighbours: only what was submitted between the first and the last of them is numbered.
    ranked = (
        select(
            jobs.c.id, *line, func.row_number().over(partition_by=line, order_by=(jobs.c.created_at, jobs.c.id)).label("n")
        )
        .where(jobs.c.state == JobState.QUEUED, jobs.c.created_at.between(oldest, newest))
        .subquery()
    )
    rows = connection.execute(select(ranked).where(ranked.c.id.in_([job.id for job in asked])))
    return {row.id: before.get((row.user, row.priority), 0) + row.n for row in rows}


def standing(connection: Connection, numbers: Collection[int]) -> dict[tuple[str, int, int], tuple[float, str]]:
    """The jobs with these numbers in any line, as (user, priority, number) → (created_at, id)."""
    line = (jobs.c.user, jobs.c.priority)
    ranked = (
        select(*line, *_ORDER, func.row_number().over(partition_by=line, order_by=_ORDER).label("n"))
        .where(jobs.c.state == JobState.QUEUED)
        .subquery()
    )
    rows = connection.execute(select(ranked).where(ranked.c.n.in_(numbers)))
    return {(row.user, row.priority, row.n): (row.created_at, row.id) for row in rows}


def needed_by(connection: Connection, ids: Collection[str]) -> dict[str, list[Needed]]:
    """The unfinished jobs that each of these waits for."""
    rows = connection.execute(
        select(dependencies.c.job, jobs.c.id, jobs.c.name, jobs.c.state)
        .join(dependencies, dependencies.c.needs == jobs.c.id)
        .where(dependencies.c.job.in_(ids), jobs.c.state.in_(_OPEN))
    )
    found: dict[str, list[Needed]] = {}
    for waits, *needed in rows:
        found.setdefault(waits, []).append(Needed(*needed))
    return found

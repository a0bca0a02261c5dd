"""How long replicas ran and how they started, added up in SQL."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from jupyter_slml.storage.schema import replicas, revisions


class Start(NamedTuple):
    """One replica's start: milliseconds until it was ready, and by phase."""

    total: float
    phases: dict[str, float]


def seconds_by_spec(connection: Connection, endpoint: str, now: float) -> list[tuple[str, float]]:
    """Seconds of an endpoint's replicas so far by their revision's spec (JSON text)."""
    end = func.coalesce(replicas.c.ended_at, now)
    query = (
        select(revisions.c.spec, func.sum(end - replicas.c.created_at))
        .join(revisions, revisions.c.id == replicas.c.revision)
        .where(replicas.c.endpoint == endpoint)
        .group_by(revisions.c.id)
    )
    return [(spec, float(total)) for spec, total in connection.execute(query)]


def starts(connection: Connection, endpoint: str, limit: int = 50) -> list[Start]:
    """The newest starts of an endpoint's replicas, newest first."""
    query = (
        select(replicas.c.created_at, replicas.c.ready_at, replicas.c.phases)
        .where(replicas.c.endpoint == endpoint, replicas.c.ready_at.is_not(None))
        .order_by(replicas.c.created_at.desc())
        .limit(limit)
    )
    return [
        Start(1000 * (row.ready_at - row.created_at), json.loads(row.phases) if row.phases else {})
        for row in connection.execute(query)
    ]

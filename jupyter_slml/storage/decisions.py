"""Decisions of the autoscaler in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from jupyter_slml.domain.records import Decision
from jupyter_slml.storage.rows import to_record
from jupyter_slml.storage.schema import decisions

#: The newest ones of each endpoint that are kept.
KEPT = 1000


def add(
    connection: Connection,
    endpoint: str,
    revision: str,
    *,
    at: float,
    before: int,
    after: int,
    reason: str,
    inputs: Mapping[str, float],
) -> None:
    """Store a decision, and forget the oldest ones of its endpoint."""
    values = {"at": at, "endpoint": endpoint, "revision": revision, "before": before, "after": after, "reason": reason}
    connection.execute(insert(decisions).values(**values, inputs=json.dumps(dict(inputs))))
    oldest = (
        select(decisions.c.id)
        .where(decisions.c.endpoint == endpoint)
        .order_by(decisions.c.id.desc())
        .offset(KEPT)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(delete(decisions).where(decisions.c.endpoint == endpoint, decisions.c.id <= oldest))


def newest(connection: Connection, endpoint: str, limit: int) -> list[Decision]:
    """Newest first."""
    query = select(decisions).where(decisions.c.endpoint == endpoint).order_by(decisions.c.id.desc()).limit(limit)
    return [to_record(Decision, row, ("inputs",)) for row in connection.execute(query).mappings()]

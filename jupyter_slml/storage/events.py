"""The append-only log, read."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from jupyter_slml.domain.records import Event
from jupyter_slml.storage.rows import to_record
from jupyter_slml.storage.schema import events


def after(connection: Connection, position: int, limit: int) -> list[Event]:
    """Events with an id above `position`, oldest first."""
    rows = connection.execute(select(events).where(events.c.id > position).order_by(events.c.id).limit(limit)).mappings()
    return [to_record(Event, row, ("data",)) for row in rows]


def last(connection: Connection) -> int:
    """The newest id; 0 for an empty log."""
    return connection.scalar(select(func.max(events.c.id))) or 0


def story(connection: Connection, subject: str, subject_id: str, limit: int = 30) -> list[str]:
    """The latest events of one object as `kind@time`, oldest first: what an IllegalMove shows."""
    rows = connection.execute(
        select(events.c.kind, events.c.at)
        .where(events.c.subject == subject, events.c.subject_id == subject_id)
        .order_by(events.c.id.desc())
        .limit(limit)
    )
    return [f"{row.kind}@{row.at:.3f}" for row in reversed(rows.all())]

"""Measurements of versions in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from jupyter_slml.domain.records import Evidence
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import evidence

_NESTED = ("metrics",)


def add(connection: Connection, found: Evidence) -> Evidence:
    """Store a measurement; its id is given here."""
    row = to_row(found, _NESTED)
    del row["id"]
    key = connection.execute(insert(evidence).values(**row)).inserted_primary_key
    assert key is not None
    return found.evolve(id=key[0])


def of_version(connection: Connection, model: str, number: int, kind: str | None = None, limit: int = 500) -> list[Evidence]:
    """The measurements of a version, newest first."""
    query = select(evidence).where(evidence.c.model == model, evidence.c.number == number)
    if kind is not None:
        query = query.where(evidence.c.kind == kind)
    rows = connection.execute(query.order_by(evidence.c.id.desc()).limit(limit)).mappings()
    return [to_record(Evidence, row, _NESTED) for row in rows]


def forget(connection: Connection, model: str, number: int, kind: str, keep: int) -> None:
    """Delete all but the newest `keep` measurements of that kind of a version."""
    mine = (evidence.c.model == model, evidence.c.number == number, evidence.c.kind == kind)
    oldest = select(evidence.c.id).where(*mine).order_by(evidence.c.id.desc()).offset(keep).limit(1).scalar_subquery()
    connection.execute(delete(evidence).where(*mine, evidence.c.id <= oldest))

"""The append-only log of a model's moves in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from jupyter_slml.domain.records import Transition
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import transitions

_NESTED = ("evidence",)


def add(connection: Connection, transition: Transition) -> Transition:
    """Append a move; its id is given here."""
    row = to_row(transition, _NESTED)
    del row["id"]
    key = connection.execute(insert(transitions).values(**row)).inserted_primary_key
    assert key is not None
    return transition.evolve(id=key[0])


def of_model(connection: Connection, model: str, number: int | None = None, limit: int = 500) -> list[Transition]:
    """The moves of a model, or of one version of it, newest first."""
    query = select(transitions).where(transitions.c.model == model).order_by(transitions.c.id.desc()).limit(limit)
    if number is not None:
        query = query.where(transitions.c.number == number)
    return [to_record(Transition, row, _NESTED) for row in connection.execute(query).mappings()]


def of_stage(connection: Connection, model: str, stage: str) -> list[Transition]:
    """The moves into a stage and out of it, oldest first."""
    query = select(transitions).where(
        transitions.c.model == model,
        transitions.c.kind == "stage",
        (transitions.c.before == stage) | (transitions.c.after == stage),
    )
    return [to_record(Transition, row, _NESTED) for row in connection.execute(query.order_by(transitions.c.id)).mappings()]


def of_alias(connection: Connection, model: str, alias: str) -> list[Transition]:
    """The moves of an alias, oldest first."""
    query = select(transitions).where(transitions.c.model == model, transitions.c.alias == alias)
    return [to_record(Transition, row, _NESTED) for row in connection.execute(query.order_by(transitions.c.id)).mappings()]

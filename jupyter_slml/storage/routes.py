"""What the routing snapshot needs, read in few statements however many endpoints there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, select, tuple_

from jupyter_slml.domain.records import Revision, Token, Version
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.storage.rows import to_record
from jupyter_slml.storage.schema import endpoints, replicas, revisions, tokens, versions

_VERSION = ("signature", "metrics", "parameters", "tags", "environment", "captures")
#: Databases bound the number of parameters of a statement.
_PIECE = 400

T = TypeVar("T")


class Served(NamedTuple):
    """What the snapshot needs of an endpoint. `traffic` is JSON text: mostly it is as it was, and need not be read."""

    name: str
    revision: str
    serving: str | None
    traffic: str

    @property
    def shares(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.traffic)
        return found


def served(connection: Connection) -> list[Served]:
    """Endpoints that shall answer, by name."""
    query = select(endpoints.c.name, endpoints.c.revision, endpoints.c.serving, endpoints.c.traffic).where(
        endpoints.c.state.not_in([EndpointState.STOPPED, EndpointState.STOPPING]), endpoints.c.desired == Desired.RUN
    )
    return [Served(*row) for row in connection.execute(query.order_by(endpoints.c.name))]


def revisions_with(connection: Connection, ids: Iterable[str]) -> dict[str, Revision]:
    """Revisions by id."""
    found = {}
    for piece in pieces(sorted(set(ids))):
        for row in connection.execute(select(revisions).where(revisions.c.id.in_(piece))).mappings():
            found[row["id"]] = to_record(Revision, row, ("spec",))
    return found


def versions_with(connection: Connection, numbers: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Version]:
    """Versions by model and number."""
    found = {}
    for piece in pieces(sorted(set(numbers))):
        query = select(versions).where(tuple_(versions.c.model, versions.c.number).in_(piece))
        for row in connection.execute(query).mappings():
            found[row["model"], row["number"]] = to_record(Version, row, _VERSION)
    return found


def starting(connection: Connection) -> set[str]:
    """Revisions that have a replica which is wanted, will take requests, and does not answer yet. A standby is none: whoever
    waits would wait for it in vain."""
    query = select(replicas.c.revision).where(
        replicas.c.state.in_([ReplicaState.SUBMITTED, ReplicaState.LOADING]),
        replicas.c.desired == Desired.RUN,
        replicas.c.standby.is_(False),
    )
    return set(connection.scalars(query.distinct()))


def callers(connection: Connection) -> list[Token]:
    """All tokens; whether they have expired is for the gateway to see."""
    query = select(tokens).order_by(tokens.c.created_at)
    return [to_record(Token, row, ("endpoints", "scopes")) for row in connection.execute(query).mappings()]


def pieces(items: list[T]) -> Iterator[list[T]]:
    """The items in lists that a statement can take."""
    for start in range(0, len(items), _PIECE):
        yield items[start : start + _PIECE]

"""Endpoints, revisions and replicas in SQL."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, delete, func, insert, not_, select, update

from jupyter_slml.domain.records import Endpoint, Replica, Revision
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.errors import NotFound
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import endpoints, replicas, revisions

_ENDPOINT = ("traffic", "previous", "scale", "error")
_REVISION = ("spec",)
_REPLICA = ("phases",)
_OPEN = [state for state in ReplicaState if not state.is_final]


def find(connection: Connection, name: str) -> Endpoint | None:
    """The endpoint, also a stopped one; None when the name was never used."""
    row = connection.execute(select(endpoints).where(endpoints.c.name == name)).mappings().first()
    return None if row is None else to_record(Endpoint, row, _ENDPOINT)


def get(connection: Connection, name: str) -> Endpoint:
    """An endpoint that is not stopped. Raises NotFound, naming those that exist."""
    found = find(connection, name)
    if found is None or found.state.is_final:
        known = [item.name for item in live(connection)]
        raise NotFound(
            f"There is no endpoint {name!r}.",
            field="endpoint",
            value=name,
            remedy=f"Live endpoints: {', '.join(known)}." if known else "Deploy a model first: `%deploy NAME`.",
        )
    return found


def live(connection: Connection) -> list[Endpoint]:
    """Endpoints that are not stopped, by name."""
    rows = connection.execute(
        select(endpoints).where(endpoints.c.state != EndpointState.STOPPED).order_by(endpoints.c.name)
    ).mappings()
    return [to_record(Endpoint, row, _ENDPOINT) for row in rows]


def unsettled(connection: Connection) -> list[str]:
    """Names of the endpoints at which there may be something to do: all but those that sleep or have failed in peace."""
    at_rest = and_(
        endpoints.c.state.in_([EndpointState.SLEEPING, EndpointState.FAILED]),
        endpoints.c.desired == Desired.RUN,
        endpoints.c.revision == func.coalesce(endpoints.c.serving, endpoints.c.revision),
    )
    query = select(endpoints.c.name).where(endpoints.c.state != EndpointState.STOPPED, not_(at_rest))
    return list(connection.scalars(query.order_by(endpoints.c.name)))


def put(connection: Connection, endpoint: Endpoint) -> None:
    """Store a new or changed endpoint."""
    connection.execute(delete(endpoints).where(endpoints.c.name == endpoint.name))
    connection.execute(insert(endpoints).values(**to_row(endpoint, _ENDPOINT)))


def next_revision(connection: Connection, endpoint: str) -> int:
    found = connection.scalar(select(func.max(revisions.c.number)).where(revisions.c.endpoint == endpoint))
    return (found or 0) + 1


def add_revision(connection: Connection, revision: Revision) -> None:
    connection.execute(insert(revisions).values(**to_row(revision, _REVISION)))


def save_revision(connection: Connection, revision: Revision) -> None:
    connection.execute(
        update(revisions).where(revisions.c.id == revision.id).values(**to_row(revision, _REVISION)),
    )


def revisions_of(connection: Connection, endpoint: str, limit: int | None = None) -> list[Revision]:
    """The revisions that an endpoint ever had, newest first."""
    query = select(revisions).where(revisions.c.endpoint == endpoint).order_by(revisions.c.number.desc()).limit(limit)
    return [to_record(Revision, row, _REVISION) for row in connection.execute(query).mappings()]


def newest_revision(connection: Connection, endpoint: str) -> Revision | None:
    """The revision of an endpoint that was made last; None when it never had one."""
    query = select(revisions).where(revisions.c.endpoint == endpoint).order_by(revisions.c.number.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else to_record(Revision, row, _REVISION)


def following(connection: Connection) -> list[Revision]:
    """The newest revision of each live endpoint, if it follows its reference, by the endpoint's name."""
    newest = select(revisions.c.endpoint, func.max(revisions.c.number).label("number")).group_by(revisions.c.endpoint)
    last = newest.subquery()
    query = (
        select(revisions)
        .join(last, and_(revisions.c.endpoint == last.c.endpoint, revisions.c.number == last.c.number))
        .join(endpoints, endpoints.c.name == revisions.c.endpoint)
        .where(endpoints.c.state != EndpointState.STOPPED, endpoints.c.desired == Desired.RUN)
        # Lets a few through that do not follow, and keeps hundreds of specs from being read for nothing.
        .where(revisions.c.spec.like('%"follow":%true%'))
        .order_by(revisions.c.endpoint)
    )
    found = [to_record(Revision, row, _REVISION) for row in connection.execute(query).mappings()]
    return [item for item in found if item.spec.follow]


def get_revision(connection: Connection, revision_id: str) -> Revision:
    row = connection.execute(select(revisions).where(revisions.c.id == revision_id)).mappings().one()
    return to_record(Revision, row, _REVISION)


def add_replica(connection: Connection, replica: Replica) -> None:
    connection.execute(insert(replicas).values(**to_row(replica, _REPLICA)))


def save_replica(connection: Connection, replica: Replica) -> None:
    connection.execute(update(replicas).where(replicas.c.id == replica.id).values(**to_row(replica, _REPLICA)))


def get_replica(connection: Connection, replica_id: str) -> Replica | None:
    row = connection.execute(select(replicas).where(replicas.c.id == replica_id)).mappings().first()
    return None if row is None else to_record(Replica, row, _REPLICA)


def open_replicas(connection: Connection, endpoint: str | None = None) -> list[Replica]:
    """Replicas without a final word, oldest first."""
    query = select(replicas).where(replicas.c.state.in_(_OPEN)).order_by(replicas.c.created_at)
    if endpoint is not None:
        query = query.where(replicas.c.endpoint == endpoint)
    return [to_record(Replica, row, _REPLICA) for row in connection.execute(query).mappings()]


def ending(connection: Connection) -> list[str]:
    """Ids of the replicas that shall end and have not."""
    query = select(replicas.c.id).where(replicas.c.state.in_(_OPEN), replicas.c.desired == Desired.STOP)
    return list(connection.scalars(query.order_by(replicas.c.created_at)))


def failures_in_row(connection: Connection, revision: str) -> int:
    """How many replicas of the revision ended by themselves since one was last ready: the back-off counts them."""
    rows = connection.execute(
        select(replicas.c.state, replicas.c.ready_at)
        .where(replicas.c.revision == revision, replicas.c.state.not_in(_OPEN))
        .order_by(replicas.c.created_at.desc())
        .limit(20)
    )
    number = 0
    for row in rows:
        if row.ready_at is not None:
            break
        number += row.state == ReplicaState.LOST
    return number


def any_in(connection: Connection, states: Collection[EndpointState]) -> bool:
    """Whether some endpoint is in one of these states."""
    return connection.scalar(select(endpoints.c.name).where(endpoints.c.state.in_(states)).limit(1)) is not None


def count(connection: Connection) -> int:
    return (
        connection.scalar(select(func.count()).select_from(endpoints).where(endpoints.c.state != EndpointState.STOPPED)) or 0
    )


def serving(connection: Connection, model: str, version: int) -> list[str]:
    """Names of the live endpoints that serve the version, or are about to."""
    query = select(revisions.c.id).where(revisions.c.model == model, revisions.c.version == version)
    found = set(connection.scalars(query))
    return [item.name for item in live(connection) if not found.isdisjoint({*item.traffic, item.revision, item.serving})]


def has_replicas(connection: Connection, revision: str) -> bool:
    """Whether the revision ever had a replica."""
    found = connection.scalar(select(replicas.c.id).where(replicas.c.revision == revision).limit(1))
    return found is not None

"""What the autoscaler needs, read in few statements however many endpoints sleep."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, select

from jupyter_slml.domain.records import Endpoint
from jupyter_slml.domain.states import Desired, EndpointState
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import routes
from jupyter_slml.storage.rows import to_record
from jupyter_slml.storage.schema import endpoints, replicas

_AWAKE = (EndpointState.STARTING, EndpointState.READY, EndpointState.DEGRADED)
_NESTED = ("traffic", "previous", "scale", "error")


def awake(connection: Connection) -> list[Endpoint]:
    """Endpoints that may have replicas and shall go on, by name."""
    query = select(endpoints).where(endpoints.c.state.in_(_AWAKE), endpoints.c.desired == Desired.RUN)
    rows = connection.execute(query.order_by(endpoints.c.name)).mappings()
    return [to_record(Endpoint, row, _NESTED) for row in rows]


def asleep(connection: Connection) -> dict[str, list[str]]:
    """The revisions in traffic of each endpoint that sleeps."""
    query = select(endpoints.c.name, endpoints.c.traffic).where(
        endpoints.c.state == EndpointState.SLEEPING, endpoints.c.desired == Desired.RUN
    )
    return {row.name: list(json.loads(row.traffic)) for row in connection.execute(query)}


def named(connection: Connection, names: Iterable[str]) -> list[Endpoint]:
    """Endpoints by name; those that are unknown are left out."""
    found = (table.find(connection, name) for name in names)
    return [endpoint for endpoint in found if endpoint is not None]


def cold_starts(connection: Connection, revisions: Iterable[str]) -> dict[str, float]:
    """Seconds from the order until the newest replica of a revision answered; without those that never had one."""
    found = {}
    for piece in routes.pieces(sorted(set(revisions))):
        query = select(replicas.c.revision, replicas.c.created_at, replicas.c.ready_at).where(
            replicas.c.revision.in_(piece), replicas.c.ready_at.is_not(None)
        )
        for row in connection.execute(query.order_by(replicas.c.ready_at)):
            found[row.revision] = row.ready_at - row.created_at
    return found

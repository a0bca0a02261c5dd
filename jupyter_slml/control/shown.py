"""Endpoints as they are shown: in answers, in lists, and in the events that followers hear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from jupyter_slml.control.gateway import Gateway
from jupyter_slml.domain.records import Endpoint, Replica, Revision
from jupyter_slml.domain.views import EndpointView, RevisionView
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import routes
from jupyter_slml.storage.database import Transaction


def announce(transaction: Transaction, endpoint: Endpoint, kind: str, gateway: Gateway) -> None:
    """Append an `endpoint.*` event that carries the endpoint as lists show it."""
    found = view(transaction.connection, endpoint, gateway)
    transaction.record(f"endpoint.{kind}", "endpoint", endpoint.name, {"endpoint": found.model_dump(mode="json")})


def view(connection: Connection, endpoint: Endpoint, gateway: Gateway) -> EndpointView:
    revisions = routes.revisions_with(connection, _named(endpoint))
    return _view(endpoint, revisions, table.open_replicas(connection, endpoint.name), gateway)


def views(connection: Connection, endpoints: Sequence[Endpoint], gateway: Gateway) -> list[EndpointView]:
    """Many at once, in a few statements."""
    revisions = routes.revisions_with(connection, {item for endpoint in endpoints for item in _named(endpoint)})
    replicas: dict[str, list[Replica]] = defaultdict(list)
    for replica in table.open_replicas(connection):
        replicas[replica.endpoint].append(replica)
    return [_view(endpoint, revisions, replicas[endpoint.name], gateway) for endpoint in endpoints]


def _named(endpoint: Endpoint) -> list[str]:
    return list(dict.fromkeys([*endpoint.traffic, endpoint.revision]))


def _view(endpoint: Endpoint, known: dict[str, Revision], replicas: list[Replica], gateway: Gateway) -> EndpointView:
    revisions = sorted((known[item] for item in _named(endpoint)), key=lambda item: item.number)
    shown = known[endpoint.serving or endpoint.revision]
    return EndpointView(
        **dict(endpoint),
        url=gateway.url(endpoint.name),
        model=shown.model,
        version=shown.version,
        spec=known[endpoint.revision].spec,
        replicas=replicas,
        revisions=[revision_view(endpoint, item) for item in revisions],
    )


def revision_view(endpoint: Endpoint, revision: Revision) -> RevisionView:
    return RevisionView(
        id=revision.id,
        number=revision.number,
        model=revision.model,
        version=revision.version,
        weight=endpoint.traffic.get(revision.id, 0),
        instance=revision.spec.instance,
        created_at=revision.created_at,
        ready_at=revision.ready_at,
    )

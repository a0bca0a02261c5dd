"""The routing snapshot: all that the gateway knows, written atomically so that it keeps serving without the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from jupyter_slml.control.orders import replica_order
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Endpoint, Replica, Revision, Version
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.errors import Invalid
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import events, routes

#: What was read of revisions is kept for so many: it never changes.
KEPT = 10_000


class Routing:
    """Writes snapshots. `gateways` are the sockets that a replica must connect to."""

    def __init__(self, catalogue: Catalogue, store: str, gateways: Sequence[str]) -> None:
        self._catalogue, self._store, self._gateways = catalogue, store, list(gateways)
        #: By revision: what never changes about its route, and the signature of its model.
        self._known: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {}
        self._revisions: dict[str, Revision] = {}

    def snapshot(self, connection: Connection) -> str:
        """JSON, see `serving/gateway/routes.py`:

            {serial, tokens: [{digest, endpoints, scopes, expires_at}],
             endpoints: {name: {timeout, max_queue, max_body, record, redact, max_replicas, traffic, serving, schema,
                                revisions: {id: {token, variant, model, version, order, waking}}}}}

        The revisions are those with traffic and the one that is asked for, which comes last. `order` is a `ReplicaOrder`
        without its id, or null when only the daemon may place a replica. `waking` says that a wanted replica has not
        answered yet, so that the gateway starts none of its own: the snapshot must be written again when a revision without
        replicas gets one, and when its replica ended. The serial is the newest event's id: it rises with every change that
        could matter here.
        """
        endpoints = [
            endpoint
            for endpoint in table.live(connection)
            if endpoint.desired is not Desired.STOP and endpoint.state is not EndpointState.STOPPING
        ]
        self._learn(connection, endpoints)
        starting = routes.starting(connection)
        found = {
            "serial": events.last(connection),
            "tokens": [
                token.model_dump(include={"digest", "endpoints", "scopes", "expires_at"})
                for token in routes.callers(connection)
            ],
            "endpoints": {endpoint.name: self._route(endpoint, starting) for endpoint in endpoints},
        }
        return orjson.dumps(found).decode()

    def _route(self, endpoint: Endpoint, starting: set[str]) -> dict[str, Any]:
        named = _revisions(endpoint)
        spec = self._revisions[named[-1]].spec
        shown = endpoint.serving or endpoint.revision
        return {
            "timeout": spec.timeout,
            "max_queue": spec.max_queue,
            "max_body": spec.max_body,
            "record": spec.record,
            "redact": spec.redact,
            "max_replicas": spec.max_replicas,
            "traffic": endpoint.traffic,
            "serving": endpoint.serving,
            "schema": self._known[shown][1],
            "revisions": {revision: {**self._known[revision][0], "waking": revision in starting} for revision in named},
        }

    def _learn(self, connection: Connection, endpoints: list[Endpoint]) -> None:
        """Read the revisions that are new here, with their versions."""
        new = {revision for endpoint in endpoints for revision in _revisions(endpoint)} - self._known.keys()
        if len(self._known) + len(new) > KEPT:
            self._known.clear()
            self._revisions.clear()
            new = {revision for endpoint in endpoints for revision in _revisions(endpoint)}
        revisions = routes.revisions_with(connection, new)
        versions = routes.versions_with(connection, {(item.model, item.version) for item in revisions.values()})
        for name, revision in revisions.items():
            version = versions.get((revision.model, revision.version))
            self._revisions[name] = revision
            static = {
                "token": revision.token,
                "variant": f"v{revision.number}",
                "model": revision.model,
                "version": revision.version,
                "order": None if version is None else self._order(revision, version),
            }
            self._known[name] = static, None if version is None else version.signature

    def _order(self, revision: Revision, version: Version) -> dict[str, Any] | None:
        try:
            kind = self._catalogue.get(revision.spec.instance)
        except Invalid:
            # The type was taken out of the settings: deploying says so, the gateway starts nothing.
            return None
        if kind.gpus or not self._gateways:
            # Which GPU is free only the cluster knows.
            return None
        unborn = Replica(id="", endpoint=revision.endpoint, revision=revision.id, state=ReplicaState.SUBMITTED, created_at=0)
        order = replica_order(unborn, revision, version, kind, self._store, self._gateways)
        return order.model_dump(mode="json", exclude={"id"})


def _revisions(endpoint: Endpoint) -> list[str]:
    """Those that may get requests or may have replicas, the one that is asked for last."""
    named = dict.fromkeys(item for item in (*endpoint.traffic, endpoint.serving) if item and item != endpoint.revision)
    return [*named, endpoint.revision]

"""The routing snapshot: all that the gateway knows, written atomically so that it keeps serving without the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from jupyter_slml.control.orders import replica_order
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Replica, Revision, Version
from jupyter_slml.domain.states import ReplicaState
from jupyter_slml.errors import Invalid
from jupyter_slml.storage import events, routes
from jupyter_slml.storage.routes import Served

#: What was read of revisions is kept for so many: it never changes.
KEPT = 10_000


class Line(NamedTuple):
    """An endpoint in the snapshot, and what that was made of."""

    endpoint: Served
    revisions: list[str]
    waking: set[str]
    text: bytes


class Routing:
    """Writes snapshots. `gateways` are the sockets that a replica must connect to."""

    def __init__(self, catalogue: Catalogue, store: str, gateways: Sequence[str]) -> None:
        self._catalogue, self._store, self._gateways = catalogue, store, list(gateways)
        #: By revision: what never changes about its route, and the signature of its model.
        self._known: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {}
        self._revisions: dict[str, Revision] = {}
        #: By endpoint, as they were written last.
        self._lines: dict[str, Line] = {}

    def snapshot(self, connection: Connection) -> str:
        """JSON, see `serving/gateway/routes.py`:

            {serial, tokens: [{digest, endpoints, scopes, expires_at}],
             endpoints: {name: {timeout, max_queue, max_body, record, redact, max_replicas, traffic, serving, schema,
                                revisions: {id: {token, variant, model, version, order, waking}}}}}

        with a line for each endpoint, so that neither side has to work on those that are as they were.

        The revisions are those with traffic and the one that is asked for, which comes last. `order` is a `ReplicaOrder`
        without its id, or null when only the daemon may place a replica. `waking` says that a wanted replica has not
        answered yet, so that the gateway starts none of its own: the snapshot must be written again when a revision without
        replicas gets one, and when its replica ended. The serial is the newest event's id: it rises with every change that
        could matter here.
        """
        endpoints, starting = routes.served(connection), routes.starting(connection)
        fresh = [endpoint for endpoint in endpoints if self._made_of(endpoint.name) != endpoint]
        self._learn(connection, fresh)
        self._lines = {endpoint.name: self._line(endpoint, starting) for endpoint in endpoints}
        head = orjson.dumps(
            {
                "serial": events.last(connection),
                "tokens": [
                    token.model_dump(include={"digest", "endpoints", "scopes", "expires_at"})
                    for token in routes.callers(connection)
                ],
            }
        )
        parts = [head[:-1], b',"endpoints":{']
        for number, line in enumerate(self._lines.values()):
            parts += [b",\n" if number else b"\n", line.text]
        return b"".join([*parts, b"\n}}\n"]).decode()

    def _made_of(self, name: str) -> Served | None:
        found = self._lines.get(name)
        return None if found is None else found.endpoint

    def _line(self, endpoint: Served, starting: set[str]) -> Line:
        known = self._lines.get(endpoint.name)
        if known is not None and known.endpoint == endpoint:
            revisions, waking = known.revisions, starting.intersection(known.revisions)
            if waking == known.waking:
                return known
        else:
            revisions = _revisions(endpoint)
            waking = starting.intersection(revisions)
        text = orjson.dumps(endpoint.name) + b":" + orjson.dumps(self._route(endpoint, revisions, waking))
        return Line(endpoint, revisions, waking, text)

    def _route(self, endpoint: Served, named: list[str], waking: set[str]) -> dict[str, Any]:
        spec = self._revisions[named[-1]].spec
        shown = endpoint.serving or endpoint.revision
        return {
            "timeout": spec.timeout,
            "max_queue": spec.max_queue,
            "max_body": spec.max_body,
            "record": spec.record,
            "redact": spec.redact,
            "max_replicas": spec.max_replicas,
            "traffic": endpoint.shares,
            "serving": endpoint.serving,
            "schema": self._known[shown][1],
            "revisions": {revision: {**self._known[revision][0], "waking": revision in waking} for revision in named},
        }

    def _learn(self, connection: Connection, endpoints: list[Served]) -> None:
        """Read the revisions that are new here, with their versions."""
        named = {revision for endpoint in endpoints for revision in _revisions(endpoint)}
        if len(self._known.keys() | named) > KEPT:
            self._known.clear()
            self._revisions.clear()
        new = named - self._known.keys()
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


def _revisions(endpoint: Served) -> list[str]:
    """Those that may get requests or may have replicas, the one that is asked for last."""
    named = dict.fromkeys(item for item in (*endpoint.shares, endpoint.serving) if item and item != endpoint.revision)
    return [*named, endpoint.revision]

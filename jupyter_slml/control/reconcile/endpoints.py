"""Endpoints and replicas: what is asked for and heard, through the life-cycle tables, into records and effects."""

from __future__ import annotations

import asyncio

from jupyter_slml.control import endpoints as cases
from jupyter_slml.control import routing
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.observations import Key, Ready, ReplicaEnded, Started
from jupyter_slml.control.orders import replica_order
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.lifecycles.endpoints import ENDPOINTS, EndpointEffect, EndpointEvent
from jupyter_slml.domain.lifecycles.replicas import REPLICAS, ReplicaEvent
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.records import Endpoint, Replica
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.errors import Unavailable
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import events
from jupyter_slml.storage import models as models_table
from jupyter_slml.storage.database import Database, Transaction

#: A replica that dies before it was ready is tried so often; a model that cannot live must not be tried for ever.
START_TRIES = 5

_ENDS = {
    "stopped": ReplicaEvent.STOPPED,
    "failed": ReplicaEvent.LOAD_FAILED,
    "lost": ReplicaEvent.LOST,
}


class EndpointMoves:
    """The steps of endpoints. Methods that take a Transaction move records; the async ones carry out effects."""

    def __init__(
        self, database: Database, compute: Compute, gateway: Gateway, store: str, socket: str, catalogue: Catalogue
    ) -> None:
        self._database, self._compute, self._gateway, self._catalogue = database, compute, gateway, catalogue
        self._store, self._socket = store, socket
        self._routing = asyncio.Lock()

    def step(self, transaction: Transaction, name: str) -> list[Key]:
        """Compare what is asked for with what is there."""
        connection = transaction.connection
        endpoint = table.find(connection, name)
        if endpoint is None or endpoint.state.is_final:
            return []
        replicas = table.open_replicas(connection, name)
        if endpoint.desired is Desired.STOP:
            keys: list[Key] = []
            if endpoint.state is not EndpointState.STOPPING:
                endpoint, keys = self._move(transaction, endpoint, EndpointEvent.STOP_REQUESTED, reason="")
            if not replicas:
                self._move(transaction, endpoint, EndpointEvent.DRAINED, serving=None, traffic={}, scale={})
                return [("route", "")]
            return keys
        if not table.has_replicas(connection, endpoint.revision):
            return self._move(transaction, endpoint, EndpointEvent.DEPLOYED)[1]
        if endpoint.state is EndpointState.FAILED:
            return []
        needed = {endpoint.revision, endpoint.serving or endpoint.revision}
        if endpoint.error is not None:
            needed.discard(endpoint.revision)
        missing = needed - {replica.revision for replica in replicas if replica.desired is Desired.RUN}
        return [self._add_replica(transaction, endpoint, revision) for revision in sorted(missing)]

    def hear(self, transaction: Transaction, replica_id: str, report: Started | Ready | ReplicaEnded) -> list[Key]:
        """A report about a replica, and what it means for its endpoint."""
        connection = transaction.connection
        replica = table.get_replica(connection, replica_id)
        if replica is None or replica.state.is_final:
            return []
        if isinstance(report, Started):
            if replica.state is ReplicaState.SUBMITTED:
                move = REPLICAS.apply(replica.state, ReplicaEvent.STARTED, subject=replica.id)
                table.save_replica(connection, replica.evolve(state=move.state, host=report.host, pid=report.pid))
            return []
        if isinstance(report, Ready):
            if replica.state is ReplicaState.READY:
                return []
            move = REPLICAS.apply(replica.state, ReplicaEvent.READY, subject=replica.id)
            replica = replica.evolve(state=move.state, ready_at=transaction.now, phases=report.phases)
        else:
            move = REPLICAS.apply(replica.state, _ENDS[report.state], subject=replica.id)
            replica = replica.evolve(state=move.state, ended_at=transaction.now, reason=report.message)
        table.save_replica(connection, replica)
        endpoint = table.find(connection, replica.endpoint)
        if endpoint is None or endpoint.state.is_final:
            return []
        return self._report(transaction, endpoint, replica, report)

    def _report(
        self, transaction: Transaction, endpoint: Endpoint, replica: Replica, report: Ready | ReplicaEnded
    ) -> list[Key]:
        if endpoint.state is EndpointState.STOPPING:
            return [("endpoint", endpoint.name)]
        if isinstance(report, Ready):
            if replica.revision not in (endpoint.revision, endpoint.serving):
                return self._retire(transaction, endpoint)
            return self._move(
                transaction,
                endpoint,
                EndpointEvent.REPLICA_READY,
                serving=replica.revision,
                traffic={replica.revision: 100},
                reason="",
                error=None,
            )[1]
        if replica.desired is Desired.STOP or replica.revision not in (endpoint.revision, endpoint.serving):
            return []
        if replica.state is ReplicaState.FAILED:
            return self._load_failed(transaction, endpoint, report)
        tries = table.failures_in_row(transaction.connection, replica.revision)
        if tries >= START_TRIES:
            return self._load_failed(transaction, endpoint, report)
        if replica.revision != endpoint.serving and endpoint.serving is not None:
            # The new revision has not answered yet, the old one still does: start the new one again.
            return [("endpoint", endpoint.name)]
        return self._move(transaction, endpoint, EndpointEvent.REPLICA_LOST, reason=f"A replica died: {report.message}")[1]

    def _load_failed(self, transaction: Transaction, endpoint: Endpoint, report: ReplicaEnded) -> list[Key]:
        error = report.error or {"ename": "ReplicaDied", "evalue": report.message, "traceback": []}
        return self._move(
            transaction,
            endpoint,
            EndpointEvent.LOAD_FAILED,
            reason=f"The model could not be loaded: {report.message}",
            error=error,
        )[1]

    def _move(
        self, transaction: Transaction, endpoint: Endpoint, event: EndpointEvent, **changes: object
    ) -> tuple[Endpoint, list[Key]]:
        connection = transaction.connection
        allowed = ENDPOINTS.allows(endpoint.state, event)
        story = () if allowed else events.story(connection, "endpoint", endpoint.name)
        move = ENDPOINTS.apply(endpoint.state, event, subject=endpoint.name, story=story)
        endpoint = endpoint.evolve(state=move.state, updated_at=transaction.now, **changes)
        table.put(connection, endpoint)
        keys: list[Key] = []
        for effect in move.effects:
            match effect:
                case EndpointEffect.START_REPLICA:
                    keys.append(("endpoint", endpoint.name))
                    if not table.has_replicas(connection, endpoint.revision):
                        keys.append(self._add_replica(transaction, endpoint, endpoint.revision))
                case EndpointEffect.SWITCH:
                    keys += self._retire(transaction, endpoint)
                case EndpointEffect.STOP_REPLICAS:
                    keys += self._stop(transaction, table.open_replicas(connection, endpoint.name))
                case EndpointEffect.ROUTE:
                    keys.append(("route", ""))
        cases.announce(transaction, endpoint, move.state.value, self._gateway)
        return endpoint, keys

    def _add_replica(self, transaction: Transaction, endpoint: Endpoint, revision: str) -> Key:
        replica = Replica(
            id=new_id("rep"),
            endpoint=endpoint.name,
            revision=revision,
            state=ReplicaState.SUBMITTED,
            created_at=transaction.now,
        )
        table.add_replica(transaction.connection, replica)
        return ("host", replica.id)

    def _retire(self, transaction: Transaction, endpoint: Endpoint) -> list[Key]:
        """End the replicas of revisions that answer no more; the route is switched first (`route` asks for the ends)."""
        old = [
            replica
            for replica in table.open_replicas(transaction.connection, endpoint.name)
            if replica.revision not in (endpoint.serving, endpoint.revision)
        ]
        return self._stop(transaction, old)

    def _stop(self, transaction: Transaction, replicas: list[Replica]) -> list[Key]:
        for replica in replicas:
            if replica.desired is not Desired.STOP:
                table.save_replica(transaction.connection, replica.evolve(desired=Desired.STOP))
        return [("route", "")] if replicas else []

    async def host(self, replica_id: str) -> None:
        """Have a replica started, or attach to it."""
        with self._database.read() as connection:
            replica = table.get_replica(connection, replica_id)
            if replica is None or replica.state.is_final or replica.desired is Desired.STOP:
                return
            revision = table.get_revision(connection, replica.revision)
            version = models_table.version(connection, revision.model, revision.version)
        if not self._compute.status().connected:
            raise Unavailable("The cluster is not connected.")
        kind = self._catalogue.get(revision.spec.instance)
        await self._compute.submit(replica_order(replica, revision, version, kind, self._store, self._socket))

    async def unhost(self, replica_id: str) -> None:
        """Take a replica out of rotation, then end it."""
        with self._database.read() as connection:
            replica = table.get_replica(connection, replica_id)
        if replica is None or replica.state.is_final:
            return
        await self._gateway.drop(replica_id)
        await self._compute.stop(replica_id, "stop", 5.0)

    async def route(self) -> list[Key]:
        """Write the routing snapshot and have it read; then the replicas that nobody asks any more may end."""
        async with self._routing:
            with self._database.read() as connection:
                snapshot = routing.snapshot(connection)
                ending = [item for item in table.open_replicas(connection) if item.desired is Desired.STOP]
            await self._gateway.route(snapshot)
        return [("unhost", replica.id) for replica in ending]

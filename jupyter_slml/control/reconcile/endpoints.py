"""Endpoints and replicas: what is asked for and heard, through the life-cycle tables, into records and effects."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.observations import Hung, Key, Ready, ReplicaEnded, Started, Woken
from jupyter_slml.control.orders import replica_order
from jupyter_slml.control.reconcile import adoption, scale
from jupyter_slml.control.routing import Routing
from jupyter_slml.control.shown import announce
from jupyter_slml.domain import traffic
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.lifecycles.endpoints import ENDPOINTS, EndpointEffect, EndpointEvent
from jupyter_slml.domain.lifecycles.replicas import REPLICAS, ReplicaEvent
from jupyter_slml.domain.orders import ReplicaOrder
from jupyter_slml.domain.records import Endpoint, Replica
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.errors import SlmlError, Unavailable
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
        self, database: Database, compute: Compute, gateway: Gateway, store: str, catalogue: Catalogue, *, is_local: bool
    ) -> None:
        self._database, self._compute, self._gateway, self._catalogue = database, compute, gateway, catalogue
        self._store = store
        # Only where the workers are on the gateway's host may it start replicas by itself.
        self._snapshots = Routing(catalogue, store, gateway.sockets if is_local else [])
        self._routing = asyncio.Lock()

    def step(self, transaction: Transaction, name: str) -> list[Key]:
        """Compare what is asked for with what is there."""
        connection = transaction.connection
        endpoint = table.find(connection, name)
        if endpoint is None or endpoint.state.is_final:
            return []
        if endpoint.desired is Desired.STOP:
            keys: list[Key] = []
            if endpoint.state is not EndpointState.STOPPING:
                endpoint, keys = self._move(transaction, endpoint, EndpointEvent.STOP_REQUESTED, reason="")
            if not table.open_replicas(connection, name):
                gone: dict[str, object] = {"serving": None, "traffic": {}, "previous": {}, "scale": {}}
                self._move(transaction, endpoint, EndpointEvent.DRAINED, **gone)
                return [("route", "")]
            return keys
        new = scale.is_loading(endpoint) and not table.has_replicas(connection, endpoint.revision)
        if new or (endpoint.state is EndpointState.FAILED and endpoint.error is None):
            return self._move(transaction, endpoint, EndpointEvent.DEPLOYED)[1]
        if endpoint.state is EndpointState.FAILED:
            return []
        if endpoint.state is EndpointState.SLEEPING and scale.shall_wake(connection, endpoint):
            woken = self._move(transaction, endpoint, EndpointEvent.WOKEN, reason="Wakes.")[1]
            return [*woken, ("endpoint", name)]
        keys = scale.rescale(transaction, endpoint)
        if endpoint.state in (EndpointState.STARTING, EndpointState.DEGRADED) and scale.answering(connection, endpoint):
            # A standby that has joined was ready long ago, and says nothing more.
            return keys + self._move(transaction, endpoint, EndpointEvent.REPLICA_READY, reason="")[1]
        if endpoint.state is not EndpointState.SLEEPING and scale.shall_sleep(connection, endpoint):
            keys += self._move(
                transaction, endpoint, EndpointEvent.SLEPT, reason="Nobody calls. The next request wakes it."
            )[1]
        return keys

    def adopt(self, transaction: Transaction, woken: Sequence[Woken], hung: Sequence[Hung]) -> list[Key]:
        """What gateways have done by themselves."""
        return adoption.adopt(transaction, woken, self._gateway) + adoption.replace(transaction, hung, self._gateway)

    def scale(self, transaction: Transaction, changes: Sequence[adoption.Change], working: Collection[str]) -> list[Key]:
        """What the autoscaler has decided."""
        return adoption.change(transaction, changes, working, self._gateway)

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
            # One that a gateway woke has answered before we heard of it.
            replica = replica.evolve(state=move.state, ready_at=replica.ready_at or transaction.now, phases=report.phases)
        else:
            move = REPLICAS.apply(replica.state, _ENDS[report.state], subject=replica.id)
            replica = replica.evolve(state=move.state, ended_at=transaction.now, reason=report.message)
        table.save_replica(connection, replica)
        endpoint = table.find(connection, replica.endpoint)
        if endpoint is None or endpoint.state.is_final:
            return []
        if endpoint.state is EndpointState.STOPPING:
            return [("endpoint", endpoint.name)]
        if isinstance(report, Ready):
            return self._answers(transaction, endpoint, replica)
        return self._ended(transaction, endpoint, replica, report)

    def _answers(self, transaction: Transaction, endpoint: Endpoint, replica: Replica) -> list[Key]:
        """A replica has loaded, predicted its sample, and is known to the gateway."""
        revision = table.get_revision(transaction.connection, replica.revision)
        if revision.ready_at is None:
            revision = revision.evolve(ready_at=transaction.now)
            table.save_revision(transaction.connection, revision)
        changes: dict[str, object] = {"reason": ""}
        if revision.id == endpoint.revision or endpoint.state is EndpointState.FAILED:
            changes["error"] = None
        elif endpoint.error is not None:
            del changes["reason"]
        if revision.id == endpoint.revision and revision.id not in endpoint.traffic:
            changes |= scale.admitted(endpoint, revision)
        elif revision.id not in endpoint.traffic or replica.standby:
            return [("endpoint", endpoint.name)]
        return self._move(transaction, endpoint, EndpointEvent.REPLICA_READY, **changes)[1]

    def _ended(self, transaction: Transaction, endpoint: Endpoint, replica: Replica, report: ReplicaEnded) -> list[Key]:
        connection = transaction.connection
        again: list[Key] = [("endpoint", endpoint.name)]
        if replica.desired is Desired.STOP or replica.revision not in (endpoint.revision, *endpoint.traffic):
            return again
        if replica.state is ReplicaState.FAILED or table.failures_in_row(connection, replica.revision) >= START_TRIES:
            return self._load_failed(transaction, endpoint, replica, report)
        if endpoint.state is EndpointState.FAILED:
            return []
        if scale.answering(connection, endpoint) or (endpoint.traffic and replica.revision not in endpoint.traffic):
            # Somebody answers, or this one had not begun to: another is started, nothing else changes.
            announce(transaction, endpoint, "replica_lost", self._gateway)
            return again
        if endpoint.state is EndpointState.SLEEPING:
            return again
        return self._move(transaction, endpoint, EndpointEvent.REPLICA_LOST, reason=f"A replica died: {report.message}")[1]

    def _load_failed(
        self, transaction: Transaction, endpoint: Endpoint, replica: Replica, report: ReplicaEnded
    ) -> list[Key]:
        connection = transaction.connection
        error = report.error or {"ename": "ReplicaDied", "evalue": report.message, "traceback": []}
        changes: dict[str, object] = {"reason": f"The model could not be loaded: {report.message}"}
        if replica.revision == endpoint.revision or not scale.is_loading(endpoint):
            changes["error"] = error
        others = {name: share for name, share in endpoint.traffic.items() if name != replica.revision}
        if replica.revision in endpoint.traffic:
            alive = len(scale.running(connection, endpoint, replica.revision))
            if alive:
                # The others of it answer. More of them are not tried before the autoscaler asks again.
                changes["scale"] = {**endpoint.scale, replica.revision: alive}
            elif others:
                changes |= endpoint.shifted(traffic.without(endpoint.traffic, replica.revision))
            else:
                return self._move(transaction, endpoint, EndpointEvent.LOAD_FAILED, **changes)[1]
        elif not endpoint.traffic:
            return self._move(transaction, endpoint, EndpointEvent.LOAD_FAILED, **changes)[1]
        endpoint = endpoint.evolve(updated_at=transaction.now, **changes)
        table.put(connection, endpoint)
        announce(transaction, endpoint, "load_failed", self._gateway)
        return [("endpoint", endpoint.name), ("route", "")]

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
                case EndpointEffect.RESCALE:
                    keys += scale.rescale(transaction, endpoint)
                case EndpointEffect.STOP_REPLICAS:
                    keys += scale.stop(transaction, table.open_replicas(connection, endpoint.name))
                case EndpointEffect.ROUTE:
                    keys.append(("route", ""))
        announce(transaction, endpoint, move.state.value, self._gateway)
        return endpoint, keys

    async def host(self, replica_id: str) -> None:
        """Have a replica started, or attach to it."""
        with self._database.read() as connection:
            replica = table.get_replica(connection, replica_id)
            if replica is None or replica.state.is_final or replica.desired is Desired.STOP:
                return
            order = self._order(connection, replica)
        if not self._compute.status().connected:
            raise Unavailable("The cluster is not connected.")
        await self._compute.submit(order)

    async def unhost(self, replica_id: str) -> None:
        """Take a replica out of rotation, then end it."""
        with self._database.read() as connection:
            replica = table.get_replica(connection, replica_id)
            if replica is None or replica.state.is_final:
                return
            try:
                order = self._order(connection, replica)
            except SlmlError:
                # Its version was deleted meanwhile, or its instance type.
                order = None
        await self._gateway.drop(replica_id)
        if order is not None and self._compute.status().connected:
            # One that an earlier daemon or a gateway has started is attached to first: else nobody hears that it ends.
            await self._compute.submit(order)
        await self._compute.stop(replica_id, "stop", 5.0)

    async def rotate(self, replica_id: str) -> None:
        """Put a standby into rotation."""
        await self._gateway.rotate(replica_id)

    def _order(self, connection: Connection, replica: Replica) -> ReplicaOrder:
        revision = table.get_revision(connection, replica.revision)
        version = models_table.version(connection, revision.model, revision.version)
        kind = self._catalogue.get(revision.spec.instance)
        return replica_order(replica, revision, version, kind, self._store, self._gateway.sockets)

    async def route(self) -> list[Key]:
        """Write the routing snapshot and have it read; then the replicas that nobody asks any more may end."""
        async with self._routing:
            snapshot, ending = await asyncio.to_thread(self._snapshot)
            await self._gateway.route(snapshot)
        return [("unhost", replica) for replica in ending]

    def _snapshot(self) -> tuple[str, list[str]]:
        with self._database.read() as connection:
            return self._snapshots.snapshot(connection), table.ending(connection)

"""How many replicas of which revision there shall be, and what must be started and ended for it."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from jupyter_slml.control.observations import Key
from jupyter_slml.domain import traffic
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.records import Endpoint, Replica, Revision
from jupyter_slml.domain.states import Desired, ReplicaState
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage.database import Transaction


def is_loading(endpoint: Endpoint) -> bool:
    """Whether the revision that is asked for has not answered yet and may still do so."""
    return endpoint.revision not in endpoint.traffic and endpoint.error is None


def admitted(endpoint: Endpoint, revision: Revision) -> dict[str, Any]:
    """The changes by which a revision that has proved itself takes its share. It takes over as many replicas as its share
    had before, so that a live endpoint does not begin again with one."""
    before = sum(endpoint.scale.get(name, 1) for name in endpoint.traffic)
    shared = traffic.admit(endpoint.traffic, revision.id, revision.spec.weight)
    least, most = endpoint.bounds(revision.spec)
    count = most if revision.spec.policy == "fixed" else math.ceil(before * shared[revision.id] / traffic.WHOLE)
    changes = endpoint.shifted(shared)
    return changes | {"scale": {**changes["scale"], revision.id: min(max(1, count, least), most)}}


def running(connection: Connection, endpoint: Endpoint, revision: str) -> list[Replica]:
    """Replicas of a revision that shall run, standbys left out, oldest first."""
    return _running(table.open_replicas(connection, endpoint.name), revision)


def _running(replicas: list[Replica], revision: str, *, standby: bool = False) -> list[Replica]:
    there = [item for item in replicas if item.revision == revision and item.desired is Desired.RUN]
    return [item for item in there if item.standby is standby and item.console != "drained"]


def answering(connection: Connection, endpoint: Endpoint) -> bool:
    """Whether some replica answers."""
    return any(item.state is ReplicaState.READY for name in endpoint.traffic for item in running(connection, endpoint, name))


def shall_wake(connection: Connection, endpoint: Endpoint) -> bool:
    """Whether replicas are wanted, or the gateway has started one by itself."""
    return any(endpoint.scale.get(name, 1) or running(connection, endpoint, name) for name in endpoint.traffic)


def shall_sleep(connection: Connection, endpoint: Endpoint) -> bool:
    """Whether nothing is wanted and nothing runs."""
    return bool(endpoint.traffic) and not shall_wake(connection, endpoint)


def rescale(transaction: Transaction, endpoint: Endpoint, working: Collection[str] = ()) -> list[Key]:
    """Start the replicas that are missing, and ask for the end of those that are too many; of these the ones that are
    `working` go last."""
    connection = transaction.connection
    replicas = table.open_replicas(connection, endpoint.name)
    wanted = {name: endpoint.scale.get(name, 1) for name in endpoint.traffic}
    if is_loading(endpoint):
        # One proves that the model loads; the others come when it has.
        wanted[endpoint.revision] = 1
    keys: list[Key] = []
    for name, count in wanted.items():
        there, standbys = _running(replicas, name), _running(replicas, name, standby=True)
        if count > len(there):
            if not there:
                # The gateway must not start one, too.
                keys.append(("route", ""))
            joining = [item for item in standbys if item.state is ReplicaState.READY][: count - len(there)]
            standbys = [item for item in standbys if item not in joining]
            keys += [_join(transaction, item) for item in joining]
            keys += [_add(transaction, endpoint, name) for _ in range(count - len(there) - len(joining))]
        # Those that do not answer yet go first, then idle ones, then the youngest.
        surplus = sorted(there, key=lambda item: (item.state is ReplicaState.READY, item.id in working, -item.created_at))
        too_many = [item for item in surplus if not item.console][: max(0, len(there) - count)]
        keys += stop(transaction, too_many)
        if name in endpoint.traffic:
            keys += _keep_warm(transaction, endpoint, name, standbys)
    return keys + stop(transaction, [item for item in replicas if item.revision not in wanted])


def _join(transaction: Transaction, standby: Replica) -> Key:
    """A replica that was loaded ahead takes requests from now on."""
    table.save_replica(transaction.connection, standby.evolve(standby=False))
    return ("rotate", standby.id)


def _keep_warm(transaction: Transaction, endpoint: Endpoint, revision: str, there: list[Replica]) -> list[Key]:
    wanted = table.get_revision(transaction.connection, revision).spec.warm
    keys = [_add(transaction, endpoint, revision, standby=True) for _ in range(wanted - len(there))]
    return keys + stop(transaction, there[wanted:])


def _add(transaction: Transaction, endpoint: Endpoint, revision: str, *, standby: bool = False) -> Key:
    replica = Replica(
        id=new_id("rep"),
        endpoint=endpoint.name,
        revision=revision,
        state=ReplicaState.SUBMITTED,
        standby=standby,
        created_at=transaction.now,
    )
    table.add_replica(transaction.connection, replica)
    return ("host", replica.id)


def stop(transaction: Transaction, replicas: list[Replica]) -> list[Key]:
    """Ask for the end of replicas. The route is switched first; `route` then has them drained and ended."""
    fresh = [replica for replica in replicas if replica.desired is not Desired.STOP]
    for replica in fresh:
        table.save_replica(transaction.connection, replica.evolve(desired=Desired.STOP))
    return [("route", "")] if fresh else []

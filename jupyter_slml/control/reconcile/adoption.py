"""What is heard of gateways and of the autoscaler, into records: replicas that a gateway woke by itself, those that hang,
and new numbers of replicas."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.observations import Hung, Key, Woken
from jupyter_slml.control.reconcile import scale
from jupyter_slml.control.shown import announce
from jupyter_slml.domain.records import Endpoint, Replica
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.storage import decisions, routes
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage.database import Transaction


class Change(NamedTuple):
    """A revision shall have another number of replicas, and why."""

    endpoint: str
    revision: str
    wanted: int
    reason: str
    inputs: dict[str, float]


def adopt(transaction: Transaction, woken: Iterable[Woken], gateway: Gateway) -> list[Key]:
    """Replicas that gateways have had started become records, which the cluster is then asked to attach to; standbys that
    they have put into rotation are no standbys any more. So the daemon does not start others in their place."""
    keys: list[Key] = []
    for item in woken:
        endpoint = table.find(transaction.connection, item.endpoint)
        replica = table.get_replica(transaction.connection, item.replica)
        if item.standby:
            if replica is None or replica.state.is_final:
                continue
            table.save_replica(transaction.connection, replica.evolve(standby=False))
            # The other gateways do not know it yet.
            keys.append(("rotate", replica.id))
        elif item.failed:
            # It left no replica behind. One of ours fails the same way, and its error is then on the endpoint.
            if endpoint is None or endpoint.state is EndpointState.FAILED:
                continue
        elif replica is None:
            keys += _record(transaction, item, endpoint)
        if endpoint is not None and _goes_on(endpoint):
            if item.revision in endpoint.traffic:
                _awaken(transaction, endpoint, item, gateway)
            keys.append(("endpoint", endpoint.name))
    return keys


def _record(transaction: Transaction, item: Woken, endpoint: Endpoint | None) -> list[Key]:
    """Write down a replica that is there; one that nobody wants any more, so that it is ended."""
    connection = transaction.connection
    if not routes.revisions_with(connection, [item.revision]):
        return []
    wanted = endpoint is not None and _goes_on(endpoint) and item.revision in (endpoint.revision, *endpoint.traffic)
    replica = Replica(
        id=item.replica,
        endpoint=item.endpoint,
        revision=item.revision,
        state=ReplicaState.SUBMITTED,
        created_at=item.at,
        ready_at=item.ready_at,
        desired=Desired.RUN if wanted else Desired.STOP,
    )
    table.add_replica(connection, replica)
    return [("host", replica.id)] if wanted else [("unhost", replica.id)]


def _awaken(transaction: Transaction, endpoint: Endpoint, item: Woken, gateway: Gateway) -> None:
    before = endpoint.scale.get(item.revision, 1)
    after = max(before, 1)
    if before != after:
        reason = "A request joined a warm replica." if item.standby else "A request woke it."
        _decide(transaction, endpoint, Change(endpoint.name, item.revision, after, reason, {}), before)
        endpoint = _put(transaction, endpoint, {item.revision: after})
        announce(transaction, endpoint, "woken", gateway)


def replace(transaction: Transaction, hung: Iterable[Hung], gateway: Gateway) -> list[Key]:
    """A replica that hangs is ended, and another takes its place."""
    keys: list[Key] = []
    for item in hung:
        replica = table.get_replica(transaction.connection, item.replica)
        if replica is None or replica.state.is_final or replica.desired is Desired.STOP:
            continue
        keys += [*scale.stop(transaction, [replica]), ("endpoint", replica.endpoint)]
        endpoint = table.find(transaction.connection, replica.endpoint)
        if endpoint is not None and not endpoint.state.is_final:
            announce(transaction, endpoint, "replica_hung", gateway)
    return keys


def change(transaction: Transaction, changes: Sequence[Change], working: Collection[str], gateway: Gateway) -> list[Key]:
    """Write down what was decided, and start and end replicas for it. What has changed meanwhile is left alone."""
    keys: list[Key] = []
    for name, group in groupby(sorted(changes, key=_name), key=_name):
        endpoint = table.find(transaction.connection, name)
        if endpoint is None or not _goes_on(endpoint) or endpoint.state is EndpointState.FAILED:
            continue
        scales: dict[str, int] = {}
        for item in group:
            before = endpoint.scale.get(item.revision, 1)
            if item.revision in endpoint.traffic and item.wanted != before:
                _decide(transaction, endpoint, item, before)
                scales[item.revision] = item.wanted
        if scales:
            endpoint = _put(transaction, endpoint, scales)
            announce(transaction, endpoint, "scaled", gateway)
            keys += [*scale.rescale(transaction, endpoint, working), ("endpoint", name)]
    return keys


def _name(item: Change) -> str:
    return item.endpoint


def _goes_on(endpoint: Endpoint) -> bool:
    return not endpoint.state.is_final and endpoint.desired is Desired.RUN


def _decide(transaction: Transaction, endpoint: Endpoint, item: Change, before: int) -> None:
    decisions.add(
        transaction.connection,
        endpoint.name,
        item.revision,
        at=transaction.now,
        before=before,
        after=item.wanted,
        reason=item.reason,
        inputs=item.inputs,
    )


def _put(transaction: Transaction, endpoint: Endpoint, scales: dict[str, int]) -> Endpoint:
    endpoint = endpoint.evolve(scale={**endpoint.scale, **scales}, updated_at=transaction.now)
    table.put(transaction.connection, endpoint)
    return endpoint

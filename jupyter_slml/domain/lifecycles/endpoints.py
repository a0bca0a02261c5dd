"""The life of an endpoint: it keeps serving its old revision until the new one has proved itself, and sleeps while nobody
calls."""

from __future__ import annotations

from enum import StrEnum

from jupyter_slml.domain.moves import Move, Table
from jupyter_slml.domain.states import EndpointState as S


class EndpointEvent(StrEnum):
    """What can happen to an endpoint."""

    DEPLOYED = "deployed"
    REPLICA_READY = "replica_ready"
    REPLICA_LOST = "replica_lost"
    LOAD_FAILED = "load_failed"
    #: No revision shall have a replica now.
    SLEPT = "slept"
    #: A sleeping one shall have replicas again.
    WOKEN = "woken"
    STOP_REQUESTED = "stop_requested"
    DRAINED = "drained"


class EndpointEffect(StrEnum):
    """What must follow."""

    #: Start the replicas that are missing, end those that are too many.
    RESCALE = "rescale"
    STOP_REPLICAS = "stop_replicas"
    #: Write the routing snapshot.
    ROUTE = "route"


_E = EndpointEvent
_F = EndpointEffect

_AWAKE = (S.STARTING, S.READY, S.DEGRADED)
_LIVE = (*_AWAKE, S.SLEEPING, S.FAILED)

ENDPOINTS: Table[S, EndpointEvent, EndpointEffect] = Table(
    noun="Endpoint",
    initial=S.STARTING,
    edges={
        # A sleeping endpoint sleeps on while the new revision loads: a request wakes the old one.
        **{(state, _E.DEPLOYED): Move(state, (_F.ROUTE, _F.RESCALE)) for state in (*_AWAKE, S.SLEEPING)},
        (S.FAILED, _E.DEPLOYED): Move(S.STARTING, (_F.ROUTE, _F.RESCALE)),
        **{(state, _E.REPLICA_READY): Move(S.READY, (_F.ROUTE, _F.RESCALE)) for state in _LIVE},
        (S.STARTING, _E.REPLICA_LOST): Move(S.STARTING, (_F.RESCALE,)),
        (S.READY, _E.REPLICA_LOST): Move(S.DEGRADED, (_F.RESCALE,)),
        (S.DEGRADED, _E.REPLICA_LOST): Move(S.DEGRADED, (_F.RESCALE,)),
        (S.STARTING, _E.LOAD_FAILED): Move(S.FAILED, (_F.ROUTE,)),
        (S.DEGRADED, _E.LOAD_FAILED): Move(S.FAILED, (_F.ROUTE,)),
        # The others go on answering; the error is on the endpoint.
        **{(state, _E.LOAD_FAILED): Move(state, (_F.ROUTE,)) for state in (S.READY, S.SLEEPING)},
        **{(state, _E.SLEPT): Move(S.SLEEPING, (_F.ROUTE,)) for state in _AWAKE},
        (S.SLEEPING, _E.WOKEN): Move(S.STARTING, (_F.ROUTE, _F.RESCALE)),
        **{(state, _E.STOP_REQUESTED): Move(S.STOPPING, (_F.ROUTE, _F.STOP_REPLICAS)) for state in _LIVE},
        (S.STOPPING, _E.REPLICA_LOST): Move(S.STOPPING),
        (S.STOPPING, _E.REPLICA_READY): Move(S.STOPPING, (_F.STOP_REPLICAS,)),
        (S.STOPPING, _E.LOAD_FAILED): Move(S.STOPPING),
        (S.STOPPING, _E.DRAINED): Move(S.STOPPED),
    },
)

"""The life of an endpoint: it keeps serving its old revision until the new one has proved itself."""

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
    STOP_REQUESTED = "stop_requested"
    DRAINED = "drained"


class EndpointEffect(StrEnum):
    """What must follow."""

    START_REPLICA = "start_replica"
    #: Point the route at the new revision, then end the replicas of the others.
    SWITCH = "switch"
    STOP_REPLICAS = "stop_replicas"
    #: Write the routing snapshot.
    ROUTE = "route"


_E = EndpointEvent
_F = EndpointEffect

ENDPOINTS: Table[S, EndpointEvent, EndpointEffect] = Table(
    noun="Endpoint",
    initial=S.STARTING,
    edges={
        (S.STARTING, _E.DEPLOYED): Move(S.STARTING, (_F.ROUTE, _F.START_REPLICA)),
        (S.READY, _E.DEPLOYED): Move(S.READY, (_F.ROUTE, _F.START_REPLICA)),
        (S.DEGRADED, _E.DEPLOYED): Move(S.DEGRADED, (_F.ROUTE, _F.START_REPLICA)),
        (S.FAILED, _E.DEPLOYED): Move(S.STARTING, (_F.ROUTE, _F.START_REPLICA)),
        **{
            (state, _E.REPLICA_READY): Move(S.READY, (_F.SWITCH, _F.ROUTE))
            for state in (S.STARTING, S.READY, S.DEGRADED, S.FAILED)
        },
        (S.STARTING, _E.REPLICA_LOST): Move(S.STARTING, (_F.START_REPLICA,)),
        (S.READY, _E.REPLICA_LOST): Move(S.DEGRADED, (_F.START_REPLICA,)),
        (S.DEGRADED, _E.REPLICA_LOST): Move(S.DEGRADED, (_F.START_REPLICA,)),
        (S.STARTING, _E.LOAD_FAILED): Move(S.FAILED),
        (S.DEGRADED, _E.LOAD_FAILED): Move(S.FAILED),
        #: The old revision goes on answering; the error is on the endpoint.
        (S.READY, _E.LOAD_FAILED): Move(S.READY),
        **{
            (state, _E.STOP_REQUESTED): Move(S.STOPPING, (_F.ROUTE, _F.STOP_REPLICAS))
            for state in (S.STARTING, S.READY, S.DEGRADED, S.FAILED)
        },
        (S.STOPPING, _E.REPLICA_LOST): Move(S.STOPPING),
        (S.STOPPING, _E.REPLICA_READY): Move(S.STOPPING, (_F.STOP_REPLICAS,)),
        (S.STOPPING, _E.LOAD_FAILED): Move(S.STOPPING),
        (S.STOPPING, _E.DRAINED): Move(S.STOPPED),
    },
)

"""The life of a replica."""

from __future__ import annotations

from enum import StrEnum

from jupyter_slml.domain.moves import Move, Table
from jupyter_slml.domain.states import ReplicaState as S


class ReplicaEvent(StrEnum):
    """What can happen to a replica."""

    STARTED = "started"
    READY = "ready"
    LOAD_FAILED = "load_failed"
    STOPPED = "stopped"
    LOST = "lost"


class ReplicaEffect(StrEnum):
    """What must follow."""

    #: Tell the endpoint.
    REPORT = "report"


_F = (ReplicaEffect.REPORT,)

REPLICAS: Table[S, ReplicaEvent, ReplicaEffect] = Table(
    noun="Replica",
    initial=S.SUBMITTED,
    edges={
        (S.SUBMITTED, ReplicaEvent.STARTED): Move(S.LOADING),
        **{(state, ReplicaEvent.READY): Move(S.READY, _F) for state in (S.SUBMITTED, S.LOADING)},
        **{(state, ReplicaEvent.LOAD_FAILED): Move(S.FAILED, _F) for state in (S.SUBMITTED, S.LOADING)},
        **{
            (state, event): Move(end, _F)
            for state in (S.SUBMITTED, S.LOADING, S.READY)
            for event, end in ((ReplicaEvent.STOPPED, S.STOPPED), (ReplicaEvent.LOST, S.LOST))
        },
    },
)

"""The life of an attempt: given to the cluster, running, and one final word that never changes."""

from __future__ import annotations

from enum import StrEnum

from jupyter_slml.domain.moves import Move, Table
from jupyter_slml.domain.states import AttemptState as S


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"
    LOST = "lost"


class AttemptEffect(StrEnum):
    """What must follow."""

    DECIDE_JOB = "decide_job"


_ENDS = {
    AttemptEvent.SUCCEEDED: S.SUCCEEDED,
    AttemptEvent.FAILED: S.FAILED,
    AttemptEvent.STOPPED: S.STOPPED,
    AttemptEvent.TIMED_OUT: S.TIMED_OUT,
    AttemptEvent.LOST: S.LOST,
}

ATTEMPTS: Table[S, AttemptEvent, AttemptEffect] = Table(
    noun="Attempt",
    initial=S.SUBMITTED,
    edges={
        (S.SUBMITTED, AttemptEvent.STARTED): Move(S.RUNNING),
        **{
            (state, event): Move(end, (AttemptEffect.DECIDE_JOB,))
            for state in (S.SUBMITTED, S.RUNNING)
            for event, end in _ENDS.items()
        },
    },
)

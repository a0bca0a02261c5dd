"""The life of a job.

queued ── placed ──► starting ── started ──► running ──► succeeded | failed | timed_out
  ▲  └─ stop ──► stopped   └──────── stop ────────┴──► stopping ──► stopped
  └──────────── retried ◄── attempt failed or lost ────┘        └──► lost (retries used up)
"""

from __future__ import annotations

from enum import StrEnum

from jupyter_slml.domain.moves import Move, Table
from jupyter_slml.domain.states import JobState as S


class JobEvent(StrEnum):
    """What can happen to a job."""

    PLACED = "placed"
    STARTED = "started"
    STOP_REQUESTED = "stop_requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    RETRIED = "retried"
    LOST = "lost"


class JobEffect(StrEnum):
    """What must follow."""

    SUBMIT_ATTEMPT = "submit_attempt"
    STOP_ATTEMPT = "stop_attempt"
    REGISTER = "register"


_LIVE = (S.STARTING, S.RUNNING, S.STOPPING)

JOBS: Table[S, JobEvent, JobEffect] = Table(
    noun="Job",
    initial=S.QUEUED,
    edges={
        (S.QUEUED, JobEvent.PLACED): Move(S.STARTING, (JobEffect.SUBMIT_ATTEMPT,)),
        (S.QUEUED, JobEvent.STOP_REQUESTED): Move(S.STOPPED),
        (S.STARTING, JobEvent.STARTED): Move(S.RUNNING),
        (S.STOPPING, JobEvent.STARTED): Move(S.STOPPING, (JobEffect.STOP_ATTEMPT,)),
        (S.STARTING, JobEvent.STOP_REQUESTED): Move(S.STOPPING, (JobEffect.STOP_ATTEMPT,)),
        (S.RUNNING, JobEvent.STOP_REQUESTED): Move(S.STOPPING, (JobEffect.STOP_ATTEMPT,)),
        **{(state, JobEvent.SUCCEEDED): Move(S.SUCCEEDED, (JobEffect.REGISTER,)) for state in _LIVE},
        **{(state, JobEvent.FAILED): Move(S.FAILED) for state in _LIVE},
        **{(state, JobEvent.TIMED_OUT): Move(S.TIMED_OUT) for state in _LIVE},
        **{(state, JobEvent.STOPPED): Move(S.STOPPED) for state in _LIVE},
        (S.STARTING, JobEvent.RETRIED): Move(S.QUEUED),
        (S.RUNNING, JobEvent.RETRIED): Move(S.QUEUED),
        **{(state, JobEvent.LOST): Move(S.LOST) for state in _LIVE},
    },
)

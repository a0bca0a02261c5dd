"""Whether a job runs again after an attempt that did not succeed: by cause, with back-off."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import AttemptState

#: Longest pause before a retry, in seconds.
LONGEST_DELAY = 3600.0
#: Pauses after a fault of the platform: none the first time, since the fault was not the job's.
PLATFORM_DELAY, LONGEST_PLATFORM_DELAY = 1.0, 60.0

_SAID = {
    "failure": "Failed",
    "memory": "Passed its memory limit",
    "timeout": "Ran out of time",
    "platform": "The platform failed",
}


@dataclass(frozen=True)
class Retry:
    cause: str
    #: Which retry of this cause it is, from 1.
    number: int
    #: Seconds to wait.
    delay: float
    reason: str


def cause(outcome: Outcome) -> str:
    """`failure`, `memory`, `timeout` or `platform`."""
    if outcome.state is AttemptState.LOST or outcome.reason is Reason.PLATFORM:
        # Also of a cell that ran and whose outputs the full store did not take.
        return "platform"
    if outcome.state is AttemptState.TIMED_OUT:
        return "timeout"
    return "memory" if outcome.reason is Reason.MEMORY else "failure"


def after(job: Job, outcome: Outcome) -> Retry | None:
    """The retry that follows this end of an attempt; None when the allowance of its cause is used up."""
    why = cause(outcome)
    spec = job.spec
    allowed = {
        "failure": spec.retries,
        "memory": spec.memory_retries,
        "timeout": spec.timeout_retries,
        "platform": spec.platform_retries,
    }[why]
    number = job.retried.get(why, 0) + 1
    if number > allowed:
        return None
    if why == "platform":
        delay = 0.0 if number == 1 else min(PLATFORM_DELAY * 2 ** (number - 2), LONGEST_PLATFORM_DELAY)
    else:
        delay = min(spec.backoff * 2 ** (number - 1), LONGEST_DELAY)
    return Retry(why, number, delay, f"{_SAID[why]}, retry {number} of {allowed}: {outcome.message}")

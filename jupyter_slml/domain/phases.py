"""Where a job's time went, phase by phase."""

from __future__ import annotations

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.records import Attempt, Job


class Phase(Frozen):
    """One stretch of time. `end` is None while it lasts."""

    #: `queued`, `starting`, `preparing`, `running`, `storing`.
    name: str
    start: float
    end: float | None = Field(default=None)


def phases(job: Job, attempts: list[Attempt]) -> list[Phase]:
    """The phases of a job's newest attempt, after the time in the queue (and in earlier attempts, named `earlier`).

    queued: accepted until given to the cluster. starting: until its process exists. preparing: until the cell's first line
    (inputs are brought and loaded). running: the cell. storing: outputs into the store, registration.
    """
    if not attempts:
        return [Phase(name="queued", start=job.created_at, end=job.ended_at)]
    newest = attempts[-1]
    found = [Phase(name="queued", start=job.created_at, end=attempts[0].created_at)]
    if len(attempts) > 1:
        found.append(Phase(name="earlier", start=attempts[0].created_at, end=newest.created_at))
    outcome = newest.outcome
    marks = [
        ("starting", newest.created_at),
        ("preparing", newest.started_at),
        ("running", (outcome.first_line_at if outcome else None) or newest.first_line_at),
        ("storing", outcome.ended_at if outcome else None),
    ]
    known = [(name, start) for name, start in marks if start is not None]
    ends = [start for _, start in known[1:]] + [job.ended_at]
    # Clocks of hosts differ by milliseconds: a phase never ends before it begins.
    found += [
        Phase(name=name, start=start, end=None if end is None else max(start, end))
        for (name, start), end in zip(known, ends, strict=True)
    ]
    return found

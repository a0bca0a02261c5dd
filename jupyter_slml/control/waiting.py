"""Why a queued job waits, and until when, worked out when somebody asks rather than stored for every job in the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection

from jupyter_slml.control.limits import Limits
from jupyter_slml.control.turns import places
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.ports.clock import Clock
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage import queue


class Wait(NamedTuple):
    """What a job waits for, for people, and the time at which it may start (None: no estimate)."""

    reason: str
    until: float | None = None


class Waiting:
    def __init__(self, compute: Compute, catalogue: Catalogue, limits: Limits, clock: Clock) -> None:
        self._compute, self._catalogue, self._limits, self._clock = compute, catalogue, limits, clock

    def explain(self, connection: Connection, ids: Sequence[str]) -> dict[str, Wait]:
        """By id, for those of these jobs that are queued. Many cost a handful of queries, as one does."""
        asked = queue.waiting(connection, ids) if ids else []
        if not asked:
            return {}
        now = self._clock.now()
        by_user, by_kind = table.live_by_user(connection), table.live_by_instance(connection)
        ahead = places(connection, asked, by_user)
        needed = queue.needed_by(connection, [job.id for job in asked if job.blocked])
        ends = self._ends(connection, now)

        @cache
        def obstacle(user: str, instance: str) -> str | None:
            return self._obstacle(user, instance, by_user, by_kind)

        return {job.id: self._one(job, now, needed.get(job.id, ()), obstacle, ahead[job.id], ends) for job in asked}

    def _one(
        self,
        job: queue.Waiting,
        now: float,
        needed: Sequence[queue.Needed],
        obstacle: Callable[[str, str], str | None],
        place: int,
        ends: Sequence[float],
    ) -> Wait:
        if job.blocked:
            return Wait(f"Waits for {', '.join(f'{other.name} ({other.id}, {other.state})' for other in needed)}.")
        if job.not_before is not None and job.not_before > now:
            return Wait(f"{job.reason} Starts again in {job.not_before - now:.0f} s.".strip(), job.not_before)
        found = obstacle(job.user, job.instance)
        if found is not None:
            return Wait(found)
        ahead = f"{place} ahead of it" if place else "next in the queue"
        expected = ends[place % len(ends)] if ends else None
        about = f", about {max(0.0, expected - now):.0f} s" if expected is not None else ""
        return Wait(f"Waits for a slot with {self._catalogue.get(job.instance)} ({ahead}{about}).", expected)

    def _obstacle(self, user: str, instance: str, by_user: Mapping[str, int], by_kind: Mapping[str, int]) -> str | None:
        """What keeps a user's jobs of a type from starting, other than their turn; None when nothing does."""
        status = self._compute.status()
        if not status.connected:
            return f"Waits for the cluster: {status.problem or 'it is starting.'}"
        kind = self._catalogue.get(instance)
        problem = self._compute.fits(kind.resources)
        if problem is not None:
            return f"No worker can run it now: {problem}"
        return self._limits.reason(user, kind, by_user, by_kind)

    def _ends(self, connection: Connection, now: float) -> list[float]:
        """When the jobs that hold slots may end, judged by earlier runs of the same name; soonest first.

        Empty when one of them has no history: then no estimate is better than a wrong one.
        """
        usual: dict[str, float | None] = {}
        ends = []
        for name, started_at in table.holding(connection):
            if name not in usual:
                usual[name] = table.typical_seconds(connection, name)
            seconds = usual[name]
            if seconds is None or started_at is None:
                return []
            ends.append(max(now, started_at + seconds))
        return sorted(ends)

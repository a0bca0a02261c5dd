"""Why a queued job waits, and until when, worked out when somebody asks rather than stored for every job in the queue."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from jupyter_slml.control.limits import Limits
from jupyter_slml.control.turns import in_turn
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import JobState
from jupyter_slml.ports.clock import Clock
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import jobs as table


class Waiting:
    def __init__(self, compute: Compute, catalogue: Catalogue, limits: Limits, clock: Clock) -> None:
        self._compute, self._catalogue, self._limits, self._clock = compute, catalogue, limits, clock

    def explain(self, connection: Connection, found: Sequence[Job]) -> list[tuple[Job, float | None]]:
        """The jobs, queued ones with their reason, each with the time at which it may start (None: no estimate)."""
        if not any(job.state is JobState.QUEUED for job in found):
            return [(job, None) for job in found]
        turns = in_turn(table.waiting(connection), table.live_by_user(connection), {})
        places = {job.id: place for place, job in enumerate(turns)}
        ends = self._ends(connection)
        return [
            self._one(connection, job, places.get(job.id, 0), ends) if job.state is JobState.QUEUED else (job, None)
            for job in found
        ]

    def _one(self, connection: Connection, job: Job, place: int, ends: list[float]) -> tuple[Job, float | None]:
        now = self._clock.now()
        if job.blocked:
            names = [
                f"{needed.name} ({needed.id}, {needed.state.value})"
                for needed in table.needed_by(connection, job.id)
                if not needed.state.is_final
            ]
            return job.evolve(reason=f"Waits for {', '.join(names)}."), None
        if job.not_before is not None and job.not_before > now:
            text = f"{job.reason} Starts again in {job.not_before - now:.0f} s."
            return job.evolve(reason=text.strip()), job.not_before
        status = self._compute.status()
        if not status.connected:
            return job.evolve(reason=f"Waits for the cluster: {status.problem or 'it is starting.'}"), None
        kind = self._catalogue.get(job.spec.instance)
        problem = self._compute.fits(kind.resources)
        if problem is not None:
            return job.evolve(reason=f"No worker can run it now: {problem}"), None
        limit = self._limits.reason(job.user, kind, table.live_by_user(connection), table.live_by_instance(connection))
        if limit is not None:
            return job.evolve(reason=limit), None
        ahead = f"{place} ahead of it" if place else "next in the queue"
        expected = ends[place % len(ends)] if ends else None
        about = f", about {max(0.0, expected - now):.0f} s" if expected is not None else ""
        return job.evolve(reason=f"Waits for a slot with {kind} ({ahead}{about})."), expected

    def _ends(self, connection: Connection) -> list[float]:
        """When the jobs that hold slots may end, judged by earlier runs of the same name; soonest first.

        Empty when one of them has no history: then no estimate is better than a wrong one.
        """
        ends = []
        for job in table.holding(connection):
            usual = table.typical_seconds(connection, job.name)
            if usual is None or job.started_at is None:
                return []
            ends.append(max(self._clock.now(), job.started_at + usual))
        return sorted(ends)

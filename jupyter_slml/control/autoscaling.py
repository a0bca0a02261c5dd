"""The autoscaler: every two seconds it asks the gateways what they count, and gives each revision as many replicas as its
load needs (`domain.scaling`). It also takes over what gateways do by themselves: replicas that they woke, those that hang.

A wake waits for nothing here: gateways start the first replica by themselves, and tell afterwards. While no endpoint is
awake nothing happens at all, until one is, a gateway has news, or a schedule is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from jupyter_slml.control.bus import Bus
from jupyter_slml.control.counters import Counters
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.observations import Hung, Woken
from jupyter_slml.control.reconcile import Reconciler
from jupyter_slml.control.reconcile.adoption import Change
from jupyter_slml.control.room import Room
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Endpoint, Revision
from jupyter_slml.domain.scaling import STABLE, Plan, Reading, Scaler
from jupyter_slml.domain.schedules import Schedule
from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import routes, scaling
from jupyter_slml.storage.database import Database

log = logging.getLogger(__name__)

#: Seconds between two looks.
TICK = 2.0
#: Seconds between two questions for news, when there is much or when a gateway does not answer.
PAUSE = 0.25
#: Nobody sleeps longer, whatever the clock does.
LONGEST = 3600.0

#: Keys on the bus: an endpoint's records changed; a gateway has news.
_ENDPOINTS, _NEWS = "endpoint", "gateway-news"


class Subject(NamedTuple):
    """One revision that gets requests."""

    endpoint: Endpoint
    revision: Revision
    schedule: Schedule

    @property
    def key(self) -> tuple[str, str]:
        return self.endpoint.name, self.revision.id

    @property
    def current(self) -> int:
        return self.endpoint.scale.get(self.revision.id, 1)


class View(NamedTuple):
    """What the records say: revisions that are awake, those that sleep by a schedule, whether anything is served."""

    awake: list[Subject]
    scheduled: list[Subject]
    served: bool


class Autoscaler:
    """`run` works until cancelled. Beside it only the gateways' keepers talk to gateways, and only the reconciler writes."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        compute: Compute,
        catalogue: Catalogue,
        reconciler: Reconciler,
        bus: Bus,
        *,
        tick: float = TICK,
    ) -> None:
        self._database, self._gateway, self._reconciler, self._bus = database, gateway, reconciler, bus
        self._compute, self._catalogue = compute, catalogue
        self._tick = tick
        self._counters = Counters(database.clock.now())
        self._view = View([], [], False)
        self._stale, self._first = True, True
        self._news = False
        self._served = asyncio.Event()
        #: By revision: what never changes, the rule with its memory, and how long its replicas take to start.
        self._revisions: dict[str, tuple[Revision, Schedule]] = {}
        self._rules: dict[str, Scaler] = {}
        self._cold: dict[str, float] = {}
        #: What schedules ask for in this minute, by revision.
        self._minute: datetime | None = None
        self._asked: dict[str, int] = {}
        #: When it looked last, and when it looks next.
        self._looked = -math.inf
        self._due = math.inf

    async def run(self) -> None:
        listeners = [asyncio.create_task(self._listen(number)) for number in self._gateway.numbers]
        try:
            while not self._bus.closed:
                listening = self._bus.listen(_ENDPOINTS, _NEWS)
                try:
                    pause = await self._turn()
                except SlmlError as error:
                    log.warning("Autoscaling: %s", error.message)
                    pause = self._tick
                except Exception:
                    log.exception("Autoscaling failed")
                    pause = self._tick
                if await listening.wait(pause):
                    self._stale = True
        finally:
            for task in listeners:
                task.cancel()

    async def _listen(self, number: int) -> None:
        """Have a look whenever a gateway has news."""
        while True:
            await self._served.wait()
            with contextlib.suppress(Unavailable):
                await self._gateway.news(number)
                self._news = True
                self._bus.notify(_NEWS)
            await asyncio.sleep(PAUSE)

    async def _turn(self) -> float:
        """Do what is due; returns for how long there is nothing to do."""
        now = self._now()
        if self._stale and (now >= self._due or not self._view.awake):
            await self.refresh()
        if now >= self._due:
            await self.look()
        elif self._news:
            await self._adopt(await self._ask())
        return min(LONGEST, max(0.0, self._due - self._now()))

    async def look(self) -> None:
        """Take over what gateways did, and decide for every revision. Raises Unavailable when no gateway answers."""
        now = self._now()
        said = await self._ask() if self._news or self._view.awake else []
        await self._adopt(said)
        readings = self._counters.read(said, now - self._looked)
        changes = self._fitting(await asyncio.to_thread(self._decide, now, readings))
        self._looked = now
        self._due = now + (self._tick if self._view.awake else self._until_scheduled())
        if changes:
            self._stale = True
            await self._reconciler.scale(changes, _working(said))

    async def _ask(self) -> list[dict[str, Any]]:
        everything = not all(self._counters.knows(number) for number in self._gateway.numbers)
        said = await self._gateway.readings({"used": True} if everything else {"active": True})
        self._news = False
        return said

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # what is there

    async def refresh(self) -> None:
        """Read the records anew."""
        now = self._now()
        self._stale = False
        self._view = await asyncio.to_thread(self._read)
        if self._view.served:
            self._served.set()
        else:
            self._served.clear()
        awake = {subject.revision.id for subject in self._view.awake}
        self._rules = {revision: rule for revision, rule in self._rules.items() if revision in awake}
        for revision in awake - self._rules.keys():
            # Of what an earlier daemon has scaled nobody remembers the load.
            self._rules[revision] = Scaler(now, hold=STABLE if self._first else 0.0)
        if self._first or self._view.scheduled:
            # Gateways are asked for all that they have counted before, and a schedule may have come meanwhile.
            self._due = now
        elif self._view.awake:
            self._due = min(self._due, now + self._tick)
        self._first = False

    def _read(self) -> View:
        with self._database.read() as connection:
            awake = scaling.awake(connection)
            asleep = scaling.asleep(connection)
            named = {revision for endpoint in awake for revision in endpoint.traffic}
            named |= {revision for revisions in asleep.values() for revision in revisions}
            self._revisions = {key: value for key, value in self._revisions.items() if key in named}
            new = routes.revisions_with(connection, named - self._revisions.keys())
            self._revisions |= {key: (revision, Schedule(revision.spec.schedule)) for key, revision in new.items()}
            waiting = [name for name, known in asleep.items() if any(self._revisions[key][1] for key in known)]
            scheduled = scaling.named(connection, waiting)
            awakened = {revision for endpoint in awake for revision in endpoint.traffic}
            self._cold = {key: seconds for key, seconds in self._cold.items() if key in named}
            self._cold |= scaling.cold_starts(connection, awakened - self._cold.keys())
            served = table.count(connection) > 0
        return View(self._subjects(awake), [item for item in self._subjects(scheduled) if item.schedule], served)

    def _subjects(self, endpoints: Sequence[Endpoint]) -> list[Subject]:
        return [Subject(endpoint, *self._revisions[revision]) for endpoint in endpoints for revision in endpoint.traffic]

    # what gateways did

    async def _adopt(self, said: Sequence[Mapping[str, Any]]) -> None:
        woken = [
            Woken(
                endpoint=item["endpoint"],
                revision=item["revision"],
                replica=item["replica"],
                at=item["at"],
                ready_at=item["ready_at"],
                standby=item["standby"],
                failed=item["state"] == "failed",
            )
            for answer in said
            for item in answer["woken"]
        ]
        hung = [Hung(item["endpoint"], item["revision"], item["replica"]) for answer in said for item in answer["hung"]]
        if woken or hung:
            await self._reconciler.adopt(woken, hung)
            await self._gateway.taken([item.replica for item in woken] + [item.replica for item in hung])

    # what is decided

    def _decide(self, now: float, readings: Mapping[tuple[str, str], Reading]) -> list[Change]:
        today = datetime.fromtimestamp(self._database.clock.now())
        found: list[Change] = []
        for subject in self._view.awake:
            rule = self._rules[subject.revision.id]
            # What was counted since the last look was counted since it is awake.
            seconds = min(now - self._looked, max(now - rule.began, self._tick))
            reading = readings.get(subject.key, Reading(seconds))._replace(seconds=seconds)
            wish = rule.look(now, reading, self._plan(subject, today), subject.current)
            if wish.wanted != subject.current:
                found.append(Change(*subject.key, wish.wanted, wish.reason, wish.inputs))
        for subject in self._view.scheduled:
            least = self._plan(subject, today).least
            if least > subject.current:
                found.append(Change(*subject.key, least, f"The schedule asks for {least}.", {"least": least}))
        return found

    def _fitting(self, found: Sequence[Change]) -> list[Change]:
        """Those for which the cluster has room."""
        known = {subject.key: subject for subject in (*self._view.awake, *self._view.scheduled)}
        room = Room(self._compute, self._catalogue)
        return [
            fitting
            for change in found
            if (fitting := room.fit(change, known[change[:2]].current, known[change[:2]].revision.spec.instance))
        ]

    def _plan(self, subject: Subject, today: datetime) -> Plan:
        spec = subject.revision.spec
        least, most = subject.endpoint.bounds(spec)
        scheduled = self._scheduled(subject, today)
        return Plan(
            policy=spec.policy,
            least=min(max(least, scheduled), most),
            most=most,
            target=spec.target_latency,
            idle=spec.idle,
            concurrency=spec.concurrency,
            cold_start=self._cold.get(subject.revision.id, 0.0),
            scheduled=scheduled > least,
        )

    def _scheduled(self, subject: Subject, today: datetime) -> int:
        """What its schedule asks for now; worked out once a minute."""
        if not subject.schedule:
            return 0
        minute = today.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._asked = minute, {}
        if subject.revision.id not in self._asked:
            self._asked[subject.revision.id] = subject.schedule.least(today)
        return self._asked[subject.revision.id]

    def _until_scheduled(self) -> float:
        today = datetime.fromtimestamp(self._database.clock.now())
        coming = (subject.schedule.next(today) for subject in self._view.scheduled)
        first = min((time for time in coming if time is not None), default=None)
        # Some milliseconds later than the minute begins, so that it has begun.
        return math.inf if first is None else max(0.0, (first - today).total_seconds()) + 0.01


def _working(said: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        replica
        for answer in said
        for endpoint in answer["endpoints"].values()
        for counts in endpoint["revisions"].values()
        for replica in counts["working"]
    }

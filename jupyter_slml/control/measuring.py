"""Endpoints as evidence: once a minute, what gateways have counted becomes a measurement of each version that answered."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jupyter_slml.control import evidence
from jupyter_slml.control.bus import Bus
from jupyter_slml.control.gateway import Gateway, merged
from jupyter_slml.control.loads import Loads
from jupyter_slml.domain.latencies import quantile
from jupyter_slml.domain.states import EndpointState
from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.storage import endpoints
from jupyter_slml.storage.database import Database

log = logging.getLogger(__name__)

#: Seconds that one measurement covers.
PERIOD = 60.0
#: States in which an endpoint may answer, and the events that say that it has come into one.
AWAKE = (EndpointState.STARTING, EndpointState.READY, EndpointState.DEGRADED)
WAKING = tuple(f"endpoint.{state.value}" for state in AWAKE)
#: Nothing wakes without an event: a look without one is a precaution.
LONGEST = 3600.0


@dataclass
class Counts:
    """What one revision has answered, since its gateway started or between two readings."""

    answered: int = 0
    errors: int = 0
    latency: Counter[int] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        self.answered += other.answered
        self.errors += other.errors
        self.latency += other.latency

    def since(self, before: Counts) -> Counts:
        return Counts(self.answered - before.answered, self.errors - before.errors, self.latency - before.latency)

    def metrics(self) -> dict[str, float]:
        """Latencies in seconds, the share of answers of 500 and more, and how many answers there were."""
        found: dict[str, float] = {"requests": self.answered, "error_rate": self.errors / self.answered}
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            milliseconds = quantile(self.latency, share)
            if milliseconds is not None:
                found[name] = milliseconds / 1000
        return found


#: Counts by endpoint and revision.
Table = dict[tuple[str, str], Counts]


class Reading(NamedTuple):
    """What all gateways had counted at one time; a gateway is known by its pid and its start."""

    at: float
    gateways: Mapping[tuple[int, float], Table]


class Measuring:
    """`measure` at any time, and `run` to do so once in each `period` while something is awake."""

    def __init__(self, database: Database, gateway: Gateway, bus: Bus, loads: Loads, period: float = PERIOD) -> None:
        self._database, self._gateway, self._bus, self._loads = database, gateway, bus, loads
        self._period = period
        self._begun = database.clock.now()
        #: The last two of the readings that are at least about a period apart.
        self._kept: deque[Reading] = deque(maxlen=2)
        self._measuring = asyncio.Lock()

    async def run(self) -> None:
        """Work until cancelled. While everything sleeps, nobody looks."""
        while not self._bus.closed:
            waking = self._bus.listen(*WAKING)
            try:
                # Also right after the last one went to sleep: it has answered since the look before.
                await self.measure()
                awake = await asyncio.to_thread(self._awake)
            except SlmlError as error:
                log.warning("Measuring endpoints: %s", error.message)
                awake = True
            except Exception:
                log.exception("Measuring endpoints failed")
                awake = True
            await waking.wait(0 if awake else LONGEST)
            if awake:
                await asyncio.sleep(self._period)

    async def measure(self) -> None:
        """Store what was answered since a reading that is at least half a period old: a few answers of the last moment would
        be no measurement."""
        async with self._measuring:
            now = self._database.clock.now()
            try:
                said = await self._gateway.readings({"used": True})
            except Unavailable:
                said = []
            else:
                self._loads.hear(now, merged(said))
            reading = Reading(now, {_who(answer): _table(answer) for answer in said})
            found = self._since(reading)
            if not self._kept or now - self._kept[-1].at >= 0.9 * self._period:
                self._kept.append(reading)
            if found:
                await asyncio.to_thread(self._store, found)

    def _since(self, reading: Reading) -> Table:
        """What was answered since the newest reading that is old enough, all gateways together."""
        old_enough = [item for item in self._kept if reading.at - item.at >= self._period / 2]
        before = old_enough[-1] if old_enough else next(iter(self._kept), None)
        found: Table = {}
        for gateway, table in reading.gateways.items():
            known = None if before is None else before.gateways.get(gateway)
            if known is None:
                if gateway[1] < self._begun:
                    # It has counted since before this daemon lived: nobody knows what belongs to the last minute.
                    continue
                known = {}
            for key, counts in table.items():
                new = counts.since(known.get(key, Counts()))
                if new.answered > 0:
                    found.setdefault(key, Counts()).add(new)
        return found

    def _store(self, found: Table) -> None:
        with self._database.write() as transaction:
            versions: dict[tuple[str, str, int], Counts] = {}
            for (name, revision_id), counts in found.items():
                revision = endpoints.get_revision(transaction.connection, revision_id)
                versions.setdefault((name, revision.model, revision.version), Counts()).add(counts)
            for (name, model, number), counts in versions.items():
                evidence.observe(transaction, name, model, number, counts.metrics())

    def _awake(self) -> bool:
        with self._database.read() as connection:
            return endpoints.any_in(connection, AWAKE)


def _who(answer: Mapping[str, Any]) -> tuple[int, float]:
    return answer["pid"], answer["started_at"]


def _table(answer: Mapping[str, Any]) -> Table:
    return {
        (name, revision): Counts(
            item["answered"], item["errors"], Counter({int(bucket): count for bucket, count in item["latency"].items()})
        )
        for name, endpoint in answer["endpoints"].items()
        for revision, item in endpoint["revisions"].items()
    }

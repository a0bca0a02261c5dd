"""What endpoints do: the gateway's counters, turned into figures of the last minute, with what replicas have cost."""

from __future__ import annotations

import json
import statistics
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jupyter_slml.control.gateway import Gateway
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.latencies import quantile
from jupyter_slml.domain.loads import ColdStarts, EndpointLoad
from jupyter_slml.errors import Invalid, Unavailable
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import spending
from jupyter_slml.storage.database import Database

#: Seconds that figures look back, as nearly as there is a reading; nobody learns anything from less than the least.
WINDOW = 60.0
LEAST = 5.0


class Reading(NamedTuple):
    """The gateway's counters of one endpoint at one time, all revisions together and by revision."""

    at: float
    begun: float
    arrivals: dict[str, int]
    answered: int
    errors: int
    refused: int
    latency: Counter[int]


class Loads:
    """Keeps what it read and heard in the last two minutes, so that whoever looks sees a minute and not all of history."""

    def __init__(self, database: Database, gateway: Gateway, catalogue: Catalogue) -> None:
        self._database, self._gateway, self._catalogue = database, gateway, catalogue
        self._readings: dict[str, deque[Reading]] = {}

    async def get(self, name: str) -> EndpointLoad:
        """Raises NotFound. A gateway that does not answer has nothing to tell: the figures are then zero."""
        now = self._database.clock.now()
        with self._database.read() as connection:
            endpoint = table.get(connection, name)
            numbers = {
                revision: str(table.get_revision(connection, revision).number)
                for revision in {*endpoint.traffic, endpoint.revision}
            }
            spent = spending.seconds_by_spec(connection, name, now)
            starts = spending.starts(connection, name)
        try:
            said = await self._gateway.stats(name)
            found, begun = said["endpoints"].get(name, {}), said["started_at"]
        except Unavailable:
            found, begun = {}, now
        revisions = found.get("revisions", {})
        reading = _read(revisions, now, begun)
        before = self._remember(name, reading)
        window = max(now - before.at, 1e-3)
        answered = reading.answered - before.answered
        latency = reading.latency - before.latency
        arrivals = {key: count - before.arrivals.get(key, 0) for key, count in reading.arrivals.items()}
        return EndpointLoad(
            at=now,
            window=window,
            requests=sum(arrivals.values()),
            rate=sum(arrivals.values()) / window,
            error_rate=(reading.errors - before.errors) / answered if answered else 0.0,
            refused_rate=(reading.refused - before.refused) / answered if answered else 0.0,
            p50=quantile(latency, 0.5),
            p95=quantile(latency, 0.95),
            p99=quantile(latency, 0.99),
            in_flight=sum(item["in_flight"] for item in revisions.values()),
            waiting=sum(item["waiting"] for item in revisions.values()),
            ready=sum(item["ready"] for item in revisions.values()),
            standby=sum(len(item["standby"]) for item in revisions.values()),
            rates={numbers[key]: count / window for key, count in arrivals.items() if key in numbers},
            cold_starts=_cold_starts(starts),
            replica_seconds=sum(seconds for _, seconds in spent),
            cost=sum(seconds / 3600 * self._price(spec) for spec, seconds in spent),
        )

    def hear(self, now: float, said: Mapping[str, Any]) -> None:
        """Keep what the gateways were asked for by somebody else: of all endpoints, in the shape of `gateway.merged`."""
        found = said["endpoints"]
        self._readings = {name: kept for name, kept in self._readings.items() if name in found}
        for name, endpoint in found.items():
            self._remember(name, _read(endpoint["revisions"], now, said["started_at"]))

    def _remember(self, name: str, reading: Reading) -> Reading:
        """Keep a reading; returns the one of about a minute ago to compare it with."""
        kept = self._readings.setdefault(name, deque())
        if not kept or kept[-1].answered > reading.answered:
            # The first one here, or of another gateway, whose counters begin anew.
            kept.clear()
            kept.append(Reading(reading.begun, reading.begun, {}, 0, 0, 0, Counter()))
        while len(kept) > 1 and reading.at - kept[1].at > 2 * WINDOW:
            kept.popleft()
        usable = [item for item in kept if reading.at - item.at >= LEAST] or [kept[0]]
        before = min(usable, key=lambda item: abs(reading.at - item.at - WINDOW))
        if reading.at - kept[-1].at >= 1:
            # Most of a thousand endpoints do nothing: they share what they had before.
            same = reading.arrivals == kept[-1].arrivals and reading.answered == kept[-1].answered
            kept.append(kept[-1]._replace(at=reading.at) if same else reading)
        return before

    def _price(self, spec: str) -> float:
        try:
            return self._catalogue.get(json.loads(spec)["instance"]).price
        except Invalid:
            # The type has gone from the settings since.
            return 0.0


def _read(revisions: dict[str, Any], now: float, begun: float) -> Reading:
    latency: Counter[int] = Counter()
    for item in revisions.values():
        latency.update({int(bucket): count for bucket, count in item["latency"].items()})
    found = revisions.values()
    return Reading(
        at=now,
        begun=begun,
        arrivals={name: item["arrivals"] for name, item in revisions.items()},
        answered=sum(item["answered"] for item in found),
        errors=sum(item["errors"] for item in found),
        refused=sum(item["refused"] for item in found),
        latency=latency,
    )


def _cold_starts(starts: Sequence[spending.Start]) -> ColdStarts:
    if not starts:
        return ColdStarts(count=0)
    names = list(starts[0].phases)
    return ColdStarts(
        count=len(starts),
        median=statistics.median(item.total for item in starts),
        phases={name: statistics.median(item.phases.get(name, 0.0) for item in starts) for name in names},
    )

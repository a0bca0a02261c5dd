"""How many replicas a revision shall have: a pure rule with a memory. Times are seconds of any clock that does not jump.

Every two seconds the rule sees what happened since the last look, and says a number with its reason and all that it saw.
The policies say what the load needs; around them stand the safety rules that Knative has proved:

    latency      enough replicas that 95 % are answered within the target (`queueing`), and for what waits already
    concurrency  one for each so many requests in flight: over the last minute, or over the last six seconds when those
                 ask for twice what is there ("panic", which lasts a minute and never scales down)
    fixed        all of them while somebody calls

    up at once; down to what was asked for most in the last half minute, and to no less than half in one look
    to nothing only after `idle` seconds without a request, which needs no other memory
    never outside the bounds; a rule that has forgotten what was before (`hold`) does not scale down for a minute

A replica answers everything that waits in one batch, so that one which looks busy may still have room: while batches grow
and the wait stays far below the target, nothing is started.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from jupyter_slml.domain.latencies import quantile
from jupyter_slml.domain.queueing import servers_for

#: Seconds: how far rates look back, how far they look back when it gets busy, how long wishes are remembered.
STABLE, RECENT, REMEMBERED = 60.0, 6.0, 30.0
#: In the concurrency policy: the recent seconds ask for so many times what is there.
PANIC = 2.0
#: Of the time that a batch takes, so much is waited for by 95 % (a gamma distribution of shape 10).
LONG = 1.6
#: What waits shall be answered so soon, in seconds, when it is more than half a request for each replica.
DRAIN = 0.5
#: Replicas: a backlog of less is none.
NEGLIGIBLE = 0.05
#: Answers that a mean service time of the last seconds needs, else that of the last minute counts.
ENOUGH = 50
#: Requests per batch from which on batches absorb load.
GROWING = 1.5

Policy = Literal["latency", "concurrency", "fixed"]


class Reading(NamedTuple):
    """What a revision did in the last `seconds`, and what is there now."""

    seconds: float
    arrivals: int = 0
    answered: int = 0
    #: Seconds that replicas were at batches, all of them together, and how many batches.
    busy: float = 0.0
    batches: int = 0
    #: Requests with a replica, requests that wait for one, replicas that take requests.
    in_flight: int = 0
    waiting: int = 0
    ready: int = 0
    #: Answers by bucket of `latencies`.
    latency: Mapping[int, int] = {}

    @property
    def active(self) -> bool:
        """Whether anybody called."""
        return self.arrivals > 0 or self.in_flight > 0 or self.waiting > 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the rule works for."""

    policy: Policy = "latency"
    least: int = 0
    most: int = 4
    #: Seconds.
    target: float = 0.1
    idle: float = 60.0
    #: Requests in flight for each replica.
    concurrency: float = 8.0
    #: Seconds until a new replica answers.
    cold_start: float = 1.0
    #: `least` is what a schedule asks for now.
    scheduled: bool = False


class Wish(NamedTuple):
    """A number of replicas, why, and what was seen."""

    wanted: int
    reason: str
    inputs: dict[str, float]


@dataclass
class Scaler:
    """The rule for one revision. `began` is when it was made, `hold` for how long it does not scale down."""

    began: float
    hold: float = 0.0
    _readings: deque[tuple[float, Reading]] = field(default_factory=deque)
    _wishes: deque[tuple[float, int]] = field(default_factory=deque)
    _called: float | None = None
    _service: float = 0.0
    _panic_until: float = -math.inf
    _panic_peak: int = 0

    def look(self, now: float, reading: Reading, plan: Plan, current: int) -> Wish:
        """What the revision shall have now, of which it was given `current` before: those that start count, else a slow
        start would be asked for again and again."""
        self._readings.append((now, reading))
        while self._readings[0][0] <= now - STABLE:
            self._readings.popleft()
        if reading.active:
            self._called = now
        inputs = self._inputs(reading, plan)
        if not current and not reading.waiting:
            return Wish(min(plan.least, plan.most), _floor(plan), inputs | {"wish": plan.least})
        silence = now - (self.began if self._called is None else self._called)
        if silence >= plan.idle and not plan.least:
            return self._rest(plan, current, silence, inputs)
        count, reason = self._needed(now, reading, plan, current, inputs)
        inputs["wish"] = count
        if count < current:
            count, reason = self._slowly(now, current, count, reason)
        if count < plan.least:
            count, reason = plan.least, _floor(plan)
        if count > plan.most:
            count, reason = plan.most, f"{reason} At most {plan.most} are allowed."
        return Wish(count, reason, inputs)

    def _rest(self, plan: Plan, current: int, silence: float, inputs: dict[str, float]) -> Wish:
        """Nobody calls: half of them go, and the last one."""
        self._wishes.clear()
        self._panic_until = -math.inf
        inputs |= {"silence": round(silence, 1), "wish": 0}
        return Wish(min(current // 2, plan.most), f"Nobody has called for {plan.idle:g} s.", inputs)

    def _needed(self, now: float, reading: Reading, plan: Plan, current: int, inputs: dict[str, float]) -> tuple[int, str]:
        match plan.policy:
            case "fixed":
                return plan.most, f"Fixed: {plan.most} while somebody calls."
            case "concurrency":
                count, reason = self._for_concurrency(now, reading, plan)
            case _:
                count, reason = self._for_latency(reading, plan, current, inputs)
        count = max(1, count)
        self._wishes.append((now, count))
        return count, reason

    def _slowly(self, now: float, current: int, count: int, reason: str) -> tuple[int, str]:
        """Down to the greatest of the last wishes, and never by more than half."""
        while self._wishes and self._wishes[0][0] <= now - REMEMBERED:
            self._wishes.popleft()
        if now < self.began + self.hold:
            return current, reason
        remembered = max((wish for _, wish in self._wishes), default=count)
        return min(current, max(count, remembered, current // 2)), f"The load fell. {reason}"

    # latency

    def _for_latency(self, reading: Reading, plan: Plan, current: int, inputs: dict[str, float]) -> tuple[int, str]:
        rate, service, batch_time = inputs["rate"], inputs["service"], inputs["batch_time"]
        if not service:
            # Nothing was answered yet, so nobody knows how long that takes.
            return current, "No answer has been measured yet."
        load = rate * service
        slack = max(plan.target - LONG * batch_time, service / 4)
        count = servers_for(load, service, slack, most=plan.most + 1) if load else 1
        reason = f"{rate:.3g} requests/s of {_time(service)} need {_replicas(count)} for {_time(plan.target)}."
        backlog = reading.waiting * service / max(plan.cold_start, 1.0)
        if backlog >= NEGLIGIBLE:
            count += math.ceil(backlog)
            reason = f"{reason[:-1]}; with {reading.waiting} that wait, {_replicas(count)}."
        if reading.waiting > max(reading.ready, 1) / 2:
            now_rate = reading.arrivals / max(reading.seconds, 1e-3)
            drain = math.ceil(now_rate * service + reading.waiting * service / DRAIN - NEGLIGIBLE)
            if drain > count:
                count = drain
                reason = f"{reading.waiting} requests wait; {_replicas(count)} answer them within {_time(DRAIN)}."
        inputs |= {"load": load, "backlog": backlog}
        if count > current and self._absorbs(reading, plan, service, batch_time, inputs["batch"]):
            return current, f"Batches of {inputs['batch']:.2g} absorb it."
        return count, reason

    @staticmethod
    def _absorbs(reading: Reading, plan: Plan, service: float, batch_time: float, batch: float) -> bool:
        """Whether growing batches still take the load: those who wait are answered in half of the target."""
        ahead = reading.waiting * service / max(reading.ready, 1)
        return reading.ready > 0 and batch > GROWING and ahead + LONG * batch_time <= plan.target / 2

    # concurrency

    def _for_concurrency(self, now: float, reading: Reading, plan: Plan) -> tuple[int, str]:
        there = max(reading.ready, 1)
        mean, recent = self._concurrency(STABLE, now), self._concurrency(RECENT, now)
        stable = math.ceil(mean / plan.concurrency)
        panic = math.ceil(recent / plan.concurrency)
        if panic / there >= PANIC:
            if now >= self._panic_until:
                self._panic_peak = 0
            self._panic_until = now + STABLE
        if now < self._panic_until:
            self._panic_peak = max(self._panic_peak, stable, panic)
            return self._panic_peak, f"{recent:.3g} requests in flight, {plan.concurrency:g} for each replica."
        return stable, f"{mean:.3g} requests in flight, {plan.concurrency:g} for each replica."

    def _concurrency(self, window: float, now: float) -> float:
        found = [item.in_flight + item.waiting for at, item in self._readings if at > now - window]
        return sum(found) / len(found)

    # what was seen

    def _inputs(self, reading: Reading, plan: Plan) -> dict[str, float]:
        """Rates per second; times in seconds; `rate` is the greater of the last minute's and of the last seconds'."""
        now = self._readings[-1][0]
        latest = [item for at, item in self._readings if at > now - RECENT]
        stable, recent = _sum([item for _, item in self._readings]), _sum(latest)
        measured = recent if recent.answered >= ENOUGH else stable
        if measured.answered and measured.busy:
            self._service = measured.busy / measured.answered
        rates = [item.arrivals / item.seconds if item.seconds > 0 else 0.0 for item in (stable, recent)]
        latency: Counter[int] = Counter()
        for item in latest:
            latency.update(item.latency)
        p95 = quantile(latency, 0.95)
        found = {
            "rate": max(rates),
            "service": self._service,
            "batch": measured.answered / measured.batches if measured.batches else 0.0,
            "batch_time": measured.busy / measured.batches if measured.batches else self._service,
            "in_flight": reading.in_flight,
            "waiting": reading.waiting,
            "ready": reading.ready,
            "least": plan.least,
            "most": plan.most,
        }
        if plan.policy == "latency":
            found["target"] = plan.target
        elif plan.policy == "concurrency":
            found["concurrency"] = plan.concurrency
        return found if p95 is None else found | {"p95": p95 / 1000}


def _sum(found: Sequence[Reading]) -> Reading:
    return Reading(
        seconds=sum(item.seconds for item in found),
        arrivals=sum(item.arrivals for item in found),
        answered=sum(item.answered for item in found),
        busy=sum(item.busy for item in found),
        batches=sum(item.batches for item in found),
    )


def _floor(plan: Plan) -> str:
    return f"The schedule asks for {plan.least}." if plan.scheduled else f"Provisioned: at least {plan.least}."


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"

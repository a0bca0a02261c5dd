"""The autoscaler's rule: queueing theory, Knative's safety rules, and a simulation that guards both against regressions."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import statistics
from collections import deque
from typing import Any

import pytest

from jupyter_slml.domain.queueing import servers_for, wait, waiting_share
from jupyter_slml.domain.scaling import REMEMBERED, STABLE, Plan, Reading, Scaler, Wish

TICK = 2.0


class TestQueueing:
    @pytest.mark.parametrize(("load", "servers"), [(0.5, 2), (1, 3), (2, 4), (10, 13), (50, 53), (100, 103)])
    def test_the_known_numbers(self, load: float, servers: int) -> None:
        """Erlang C's staffing for a 95th percentile of the wait of one service time."""
        assert servers_for(load, 1.0, 1.0) == servers
        assert wait(servers, load, 1.0, 0.95) <= 1.0 < wait(servers - 1, load, 1.0, 0.95)

    def test_one_server_is_a_geometric_queue(self) -> None:
        """M/M/1: whoever comes waits with probability rho, exponentially."""
        assert waiting_share(1, 0.8) == pytest.approx(0.8)
        assert wait(1, 0.8, 1.0, 0.95) == pytest.approx(math.log(0.8 / 0.05) / 0.2)

    def test_without_slack_the_wait_has_no_end(self) -> None:
        assert wait(2, 2.0, 1.0, 0.95) == math.inf
        assert servers_for(1000, 1.0, 0.1, most=8) == 8


class Revision:
    """A rule with a clock, fed by hand."""

    def __init__(self, current: int = 1, *, hold: float = 0.0, **plan: Any) -> None:
        self.now = 1000.0
        self.current = current
        self.plan = Plan(**plan)
        self.rule = Scaler(began=self.now, hold=hold)

    def look(self, rate: float = 0.0, service: float = 0.01, **seen: int) -> Wish:
        """One tick later, after so many requests per second, each its own batch."""
        self.now += TICK
        count = round(rate * TICK)
        usual: dict[str, Any] = {
            "arrivals": count,
            "answered": count,
            "batches": count,
            "busy": count * service,
            "ready": self.current,
        }
        wish = self.rule.look(self.now, Reading(TICK, **{**usual, **seen}), self.plan, self.current)
        self.current = wish.wanted
        return wish

    def run(self, seconds: float, rate: float = 0.0, service: float = 0.01, **seen: int) -> list[int]:
        return [self.look(rate, service, **seen).wanted for _ in range(round(seconds / TICK))]


class TestRules:
    def test_it_follows_the_load_up_at_once_and_down_slowly(self) -> None:
        """Down only when the last minute and the remembered wishes allow, and by no more than half in one look."""
        revision = Revision(most=16, target=0.1)
        assert revision.run(20, rate=5)[-1] == 1
        assert revision.run(6, rate=800)[-1] == 9
        assert revision.run(60, rate=800)[-1] == 9
        high = revision.current
        counts = revision.run(STABLE + REMEMBERED + 20, rate=5)
        assert counts[: int(REMEMBERED / TICK)] == [high] * int(REMEMBERED / TICK)
        assert counts[-1] == 1
        assert all(after >= before // 2 for before, after in itertools.pairwise([high, *counts]))

    def test_every_wish_has_its_inputs_and_a_reason(self) -> None:
        revision = Revision(most=16, target=0.1, current=2)
        revision.run(20, rate=100)
        wish = revision.look(rate=100, waiting=300)
        assert wish.inputs["rate"] == pytest.approx(100)
        assert wish.inputs["service"] == pytest.approx(0.01)
        assert (wish.inputs["waiting"], wish.inputs["ready"], wish.inputs["target"]) == (300, 2, 0.1)
        assert wish.wanted == 7 and wish.reason == "300 requests wait; 7 replicas answer them within 500 ms."
        quiet = revision.look(rate=100)
        assert quiet.wanted == 7 and quiet.reason.startswith("The load fell. 100 requests/s of 10 ms need")

    def test_batches_absorb_load_before_replicas_do(self) -> None:
        """A replica that is busy all the time and answers 32 requests in 2 ms needs no help."""
        revision = Revision(most=4, target=0.1)
        busy: dict[str, Any] = {"arrivals": 32_000, "answered": 32_000, "batches": 1000, "waiting": 32, "in_flight": 32}
        for _ in range(20):
            revision.now += TICK
            wish = revision.rule.look(revision.now, Reading(TICK, busy=2.0, ready=1, **busy), revision.plan, 1)
            assert wish.wanted == 1
        assert wish.inputs["batch"] == 32 and wish.inputs["load"] == pytest.approx(1.0)
        revision.now += TICK
        slow = Reading(TICK, busy=2.0, ready=1, arrivals=640, answered=640, batches=20, waiting=64)
        for _ in range(4):
            # The same load of 1, but a batch takes longer than the target.
            revision.now += TICK
            wish = revision.rule.look(revision.now, slow, revision.plan, 1)
        assert wish.wanted > 1

    def test_a_small_backlog_is_none(self) -> None:
        revision = Revision(most=4)
        revision.run(20, rate=10, service=0.001)
        assert revision.look(rate=10, service=0.001, waiting=5).wanted == 1

    def test_nobody_calls(self) -> None:
        """After `idle` seconds half go in each look, and the last one; a request in time keeps it."""
        revision = Revision(current=4, most=4, idle=10.0, policy="fixed")
        assert revision.run(8, rate=1) == [4] * 4
        assert revision.run(8) == [4] * 4
        revision.look(rate=1)
        assert revision.run(16) == [4, 4, 4, 4, 2, 1, 0, 0]
        assert revision.look().reason == "Provisioned: at least 0."

    def test_a_request_under_way_is_a_call(self) -> None:
        revision = Revision(idle=4.0)
        assert revision.run(20, in_flight=1) == [1] * 10
        assert revision.run(4) == [1, 0]

    def test_provisioned_ones_stay(self) -> None:
        revision = Revision(current=2, least=2, most=4, idle=2.0)
        assert revision.run(200) == [2] * 100
        assert Revision(current=0, least=3, scheduled=True).look() == Wish(
            3, "The schedule asks for 3.", Revision(current=0, least=3, scheduled=True).look().inputs
        )

    def test_asleep_it_stays_asleep_until_somebody_waits(self) -> None:
        revision = Revision(current=0, most=4)
        assert revision.run(10) == [0] * 5
        assert revision.look(waiting=1).wanted == 1

    def test_after_a_restart_nothing_goes_for_a_minute(self) -> None:
        """Up is allowed, and so is sleep, which needs no more than the idle time."""
        revision = Revision(current=4, most=8, hold=STABLE, idle=300.0)
        assert revision.run(STABLE - TICK, rate=1) == [4] * 29
        assert revision.run(20, rate=1)[-1] == 1
        rested = Revision(current=1, hold=STABLE, idle=4.0)
        assert rested.run(6)[-1] == 0

    def test_nothing_is_beyond_the_bounds(self) -> None:
        revision = Revision(most=3)
        wish = revision.look(rate=10_000)
        assert wish.wanted == 3 and wish.reason.endswith("At most 3 are allowed.")
        assert wish.inputs["wish"] > 3
        revision.plan = Plan(most=1)
        assert revision.look(rate=10_000).wanted == 1

    def test_concurrency(self) -> None:
        """One for each eight in flight; a burst counts at once and is not forgotten for a minute."""
        revision = Revision(policy="concurrency", concurrency=8.0, most=20)
        assert revision.run(60, rate=10, in_flight=6)[-1] == 1
        assert revision.run(60, rate=10, in_flight=12)[-1] == 2
        burst = revision.run(6, rate=100, in_flight=80)
        assert burst[-1] == 10
        assert min(revision.run(40, rate=10, in_flight=6)) == 10
        assert revision.run(120, rate=10, in_flight=6)[-1] == 1

    def test_fixed(self) -> None:
        revision = Revision(policy="fixed", most=3)
        assert revision.look(rate=1).wanted == 3


#: Requests per second from each second on; the last one is the end.
LOAD = [(10, 3), (180, 60), (300, 25), (600, 2), (800, 0), (1000, 0)]
SERVICE, TARGET, COLD = 0.1, 0.3, 2.0


class Simulation:
    """Poisson arrivals, one queue, replicas that serve one request at a time and take two seconds to start."""

    def __init__(self, seed: int, plan: Plan) -> None:
        self._random = random.Random(seed)
        self._rule = Scaler(began=0.0)
        self._plan = plan
        self._queue: deque[float] = deque()
        self._idle = 0
        self._busy = 0
        self._starting = 0
        self._leaving = 0
        self._counts = [0, 0, 0.0]
        self.latencies: list[tuple[float, float]] = []
        self.replica_seconds = 0.0

    @property
    def _there(self) -> int:
        return self._idle + self._busy + self._starting

    def run(self) -> None:
        events: list[tuple[float, int, str, float]] = []
        number = itertools.count()

        def at(time: float, kind: str, value: float = 0.0) -> None:
            heapq.heappush(events, (time, next(number), kind, value))

        for (begin, rate), (end, _) in itertools.pairwise(LOAD):
            time = float(begin)
            while rate and (time := time + self._random.expovariate(rate)) < end:
                at(time, "arrive")
        for tick in range(round(LOAD[-1][0] / TICK)):
            at((tick + 1) * TICK, "tick")
        before = 0.0
        while events:
            now, _, kind, value = heapq.heappop(events)
            self.replica_seconds += (now - before) * (self._there + self._leaving)
            before = now
            if kind == "arrive":
                self._counts[0] += 1
                self._queue.append(now)
                if not self._there:
                    # Somebody who waits does not wait for the tick.
                    self._starting += 1
                    at(now + COLD, "started")
            elif kind == "started" and self._starting:
                self._starting -= 1
                self._idle += 1
            elif kind == "done":
                self._counts[1] += 1
                self._counts[2] += value
                if self._leaving:
                    self._leaving -= 1
                else:
                    self._busy -= 1
                    self._idle += 1
            elif kind == "tick":
                for _ in range(self._tick(now)):
                    at(now + COLD, "started")
            while self._queue and self._idle:
                arrived = self._queue.popleft()
                took = self._random.gammavariate(10, SERVICE / 10)
                self._idle -= 1
                self._busy += 1
                self.latencies.append((arrived, now + took - arrived))
                at(now + took, "done", took)

    def _tick(self, now: float) -> int:
        """Returns how many are started; those that are too many leave, idle ones first."""
        arrivals, answered, busy = self._counts
        self._counts = [0, 0, 0.0]
        reading = Reading(
            TICK,
            arrivals=int(arrivals),
            answered=int(answered),
            batches=int(answered),
            busy=busy,
            in_flight=self._busy,
            waiting=len(self._queue),
            ready=self._idle + self._busy,
        )
        wanted = self._rule.look(now, reading, self._plan, self._there).wanted
        more = max(0, wanted - self._there)
        self._starting += more
        for _ in range(max(0, self._there - wanted)):
            if self._starting:
                self._starting -= 1
            elif self._idle:
                self._idle -= 1
            else:
                self._busy -= 1
                self._leaving += 1
        return more


def test_simulated_load() -> None:
    """Silence, a trickle, a burst, a plateau, silence: the target is met at half of the replica-seconds that a fixed
    utilisation needs (10,600 to 11,500 by Knative's defaults in the same world)."""
    p95, missed, spent = [], [], []
    for seed in range(4):
        simulation = Simulation(seed, Plan(target=TARGET, most=1000, idle=60.0, cold_start=COLD))
        simulation.run()
        took = sorted(latency for _, latency in simulation.latencies)
        assert len(took) > 15_000
        p95.append(took[int(0.95 * len(took))])
        missed.append(sum(latency > TARGET for latency in took) / len(took))
        spent.append(simulation.replica_seconds)
        burst = sorted(latency for arrived, latency in simulation.latencies if 180 <= arrived < 300)
        assert burst[int(0.95 * len(burst))] < 0.5
        last = max(arrived for arrived, _ in simulation.latencies)
        assert simulation._there == 0, f"still awake {LOAD[-1][0] - last:.0f} s after the last request"
    assert statistics.mean(p95) < 0.2
    assert statistics.mean(missed) < 0.027
    assert statistics.mean(spent) < 5600

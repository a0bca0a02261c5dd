"""What gateways count, turned into what happened."""

from __future__ import annotations

from typing import Any

from jupyter_slml.control.counters import Counters
from jupyter_slml.domain.scaling import Reading

KEY = ("churn", "rev-1")


def said(count: int, *, gateway: int = 0, started: float = 100.0, **now: int) -> dict[str, Any]:
    """A gateway that has counted so many requests, each a batch of 10 ms."""
    usual = {"in_flight": 0, "waiting": 0, "ready": 1, **now}
    names: dict[str, list[str]] = {name: [] for name in ("replicas", "working", "standby", "held", "attached")}
    counts = {"arrivals": count, "answered": count, "batches": count, "busy": count / 100, "errors": 0, "refused": 0}
    revision = {**counts, **usual, **names, "work": {}, "latency": {"80": count} if count else {}}
    endpoints = {KEY[0]: {"revisions": {KEY[1]: revision}}}
    return {"gateway": gateway, "started_at": started, "woken": [], "hung": [], "endpoints": endpoints}


def test_what_was_counted_before_is_nobody_elses() -> None:
    """The first word of a gateway that is older than the daemon is where counting begins; of a younger one all counts."""
    counters = Counters(began=200.0)
    assert not counters.knows(0)
    assert counters.read([said(1000)], 2.0)[KEY].arrivals == 0
    assert counters.knows(0) and not counters.knows(1)
    found = counters.read([said(1010, waiting=3)], 2.0)[KEY]
    assert found == Reading(2.0, 10, 10, found.busy, 10, 0, 3, 1, {80: 10})
    assert abs(found.busy - 0.1) < 1e-9
    assert Counters(began=50.0).read([said(7)], 2.0)[KEY].arrivals == 7


def test_several_gateways_sum_and_may_restart() -> None:
    counters = Counters(began=200.0)
    counters.read([said(1000), said(500, gateway=1)], 2.0)
    found = counters.read([said(1010, in_flight=2), said(505, gateway=1, in_flight=3)], 2.0)[KEY]
    assert (found.arrivals, found.in_flight, found.ready, found.latency) == (15, 5, 1, {80: 15})
    # One is another process now, whose counters began anew; one does not answer once, and has counted on.
    assert counters.read([said(4, started=300.0)], 2.0)[KEY].arrivals == 4
    assert counters.read([said(6, started=300.0), said(525, gateway=1)], 2.0)[KEY].arrivals == 22


def test_those_that_slept_have_counted_nothing() -> None:
    """A gateway names the active ones only; what it said before is remembered."""
    counters = Counters(began=200.0)
    counters.read([said(1000)], 2.0)
    nothing = {**said(0), "endpoints": {}}
    assert counters.read([nothing], 2.0) == {}
    assert counters.read([said(1002)], 2.0)[KEY].arrivals == 2
    assert counters.read([], 2.0) == {}

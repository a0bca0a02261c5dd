"""Revisions side by side: shares, switches, and requests that change over."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import DEADLINE, GatewayProcess, OneShot, StandIn, thread, until

URL = "/endpoints/churn/invocations"


def shared(**shares: int) -> dict[str, Any]:
    revisions = {name: {"token": f"t{name[1:]}", "variant": f"v{name[1:]}"} for name in ("r1", "r2", "r3")}
    return {
        **CHURN,
        "max_queue": 1000,
        "serving": max(shares, key=lambda n: shares[n]),
        "traffic": shares,
        "revisions": revisions,
    }


@pytest.mark.parametrize("shares", [{"r1": 90, "r2": 10}, {"r1": 50, "r2": 50}, {"r1": 60, "r2": 39, "r3": 1}, {"r2": 100}])
def test_each_revision_gets_its_share(gateway: GatewayProcess, place: Workspace, shares: dict[str, int]) -> None:
    gateway.route(churn=shared(**shares))
    replicas = [StandIn(place, f"rep-{name}", name, f"t{name[1:]}") for name in ("r1", "r2", "r3")]
    assert all(replica.attached.wait(DEADLINE) for replica in replicas)
    found: Counter[str] = Counter()
    for number in range(100):
        status, body, headers = gateway.request(URL, [[number]])
        assert (status, body) == (200, [[number]])
        found[headers["X-Slml-Variant"].replace("v", "r")] += 1
    assert found == shares
    stats = gateway.stats()
    assert {name: pool["arrivals"] for name, pool in stats["revisions"].items() if pool["arrivals"]} == shares
    assert stats["requests"] == sum(pool["answered"] for pool in stats["revisions"].values()) == 100
    assert all(pool["ready"] == 1 and pool["busy"] >= 0 for pool in stats["revisions"].values())
    assert sum(sum(pool["latency"].values()) for pool in stats["revisions"].values()) == 100


def test_requests_that_wait_change_over_with_the_traffic(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn=shared(r1=100))
    first = OneShot(place, "rep-1")
    with thread(lambda: gateway.request(URL, [[1]])) as one, thread(lambda: gateway.request(URL, [[2]])) as two:
        (taken,) = first.take()
        until(lambda: gateway.stats()["queued"] == 1, "one waits and one is being answered")
        second = StandIn(place, "rep-2", "r2", "t2")
        assert second.attached.wait(DEADLINE)
        gateway.route(churn=shared(r2=100))
        until(lambda: second.batches, "what waited is answered by the new one")
        # The old one dies with its request, which is not lost either.
        first.die()
    assert {one[0][1][0][0], two[0][1][0][0]} == {1, 2} and one[0][0] == two[0][0] == 200
    assert sorted(second.batches) == [[b"[[1]]"], [b"[[2]]"]] and taken in (b"[[1]]", b"[[2]]")


def test_a_revision_that_is_gone_is_forgotten(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn=shared(r1=100))
    old = OneShot(place, "rep-old")
    until(lambda: gateway.stats()["attached"] == ["rep-old"], "it is there")
    gateway.route(churn={**shared(r2=100), "revisions": {"r2": {"token": "t2", "variant": "v2"}}})
    assert set(gateway.stats()["revisions"]) == {"r1", "r2"}
    old.die()
    until(lambda: set(gateway.stats()["revisions"]) == {"r2"}, "the old one is forgotten")


def test_a_held_replica_gets_nothing_until_it_is_released(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn=shared(r1=100))
    held, other = StandIn(place, "rep-held"), StandIn(place, "rep-other")
    assert held.attached.wait(DEADLINE) and other.attached.wait(DEADLINE)
    assert gateway.control(op="hold", replica="rep-held") == {"held": "rep-held"}
    for number in range(4):
        assert gateway.predict_raw(b"[%d]" % number) == b"[%d]" % number
    stats = gateway.stats()
    assert held.batches == [] and stats["replicas"] == ["rep-other"]
    assert stats["revisions"]["r1"]["held"] == ["rep-held"]
    assert gateway.control(op="release", replica="rep-held") == {"released": "rep-held"}
    assert gateway.stats()["replicas"] == ["rep-held", "rep-other"]
    # What was dropped is not released.
    assert gateway.control(op="drop", replica="rep-held") == {"dropped": "rep-held"}
    assert gateway.control(op="release", replica="rep-held") == {"released": "rep-held"}
    assert gateway.stats()["replicas"] == ["rep-other"]


def test_a_hold_lapses_unless_it_is_said_again(gateway: GatewayProcess, place: Workspace) -> None:
    """Also one of a replica that connected anew; who held it may be gone."""
    gateway.route(churn=shared(r1=100))
    first = OneShot(place, "rep-1")
    assert gateway.control(op="hold", replica="rep-1", seconds=0.1) == {"held": "rep-1"}
    assert gateway.control(op="hold", replica="rep-1", seconds=60) == {"held": "rep-1"}
    first.die()
    again = StandIn(place, "rep-1")
    assert again.attached.wait(DEADLINE)
    time.sleep(1.5)
    assert gateway.stats()["revisions"]["r1"]["held"] == ["rep-1"]
    assert gateway.control(op="hold", replica="rep-1", seconds=0.1) == {"held": "rep-1"}
    until(lambda: gateway.stats()["replicas"] == ["rep-1"], "it is back")
    assert gateway.predict_raw(b"[1]") == b"[1]"
    assert set(gateway.stats()["revisions"]["r1"]["work"]) == {"rep-1"}
    assert gateway.control(op="hold", replica="rep-1", seconds="x")["error"]["field"] == "seconds"


def test_each_endpoint_has_its_own_largest_body(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn={**shared(r1=100), "max_body": 10}, large={**CHURN, "max_body": 20 * 2**20})
    assert StandIn(place, "rep-1").attached.wait(DEADLINE)
    assert StandIn(place, "rep-2", endpoint="large").attached.wait(DEADLINE)
    assert gateway.request(URL, b"1" * 10)[0] == 200
    status, body, _ = gateway.request(URL, b"1" * 11)
    assert status == 413 and "10 bytes" in body["error"]["message"] and "--max-body" in body["error"]["remedy"]
    large = b"1" * (18 * 2**20)
    with gateway.connect() as client:
        client.send(gateway.head(len(large), "/endpoints/large/invocations") + large)
        status, _, answer = client.answer()
        assert status == 200 and answer == large

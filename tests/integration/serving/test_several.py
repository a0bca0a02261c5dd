"""Two gateways on one port: each has the replicas, and the death of one costs the other's callers nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import DEADLINE, GatewayProcess, RawClient, StandIn, until


@pytest.fixture
def both(place: Workspace) -> Iterator[list[GatewayProcess]]:
    place.save_settings(place.settings().model_copy(update={"gateways": 2}))
    found = [GatewayProcess(place, number) for number in range(2)]
    found[0].write_routes(churn={**CHURN, "max_queue": 1000})
    for one in found:
        one.start()
    yield found
    for one in found:
        one.kill()


def clients(both: list[GatewayProcess], count: int) -> dict[int, list[RawClient]]:
    """At least so many open connections to each of the two."""
    found: dict[int, list[RawClient]] = {0: [], 1: []}
    while min(len(lines) for lines in found.values()) < count:
        before = [one.control(op="stats")["connections"] for one in both]
        line = both[0].connect()
        line.send(b"GET /ping HTTP/1.1\r\n\r\n")
        assert line.answer()[0] == 200
        now = [one.control(op="stats")["connections"] for one in both]
        found[0 if now[0] > before[0] else 1].append(line)
    return found


def test_the_death_of_one_costs_the_others_callers_nothing(both: list[GatewayProcess], place: Workspace) -> None:
    assert both[0].port == both[1].port
    replica = StandIn(place, "rep-1", gateways=2)
    until(lambda: all(one.stats()["attached"] == ["rep-1"] for one in both), "both have the replica")
    lines = clients(both, 4)
    stop = threading.Event()
    done = [0] * len(lines[1])
    wrong: list[Any] = []

    def ask(number: int) -> None:
        while not stop.is_set():
            body = b"[[%d]]" % (number * 1_000_000 + done[number])
            lines[1][number].send(both[1].head(len(body)) + body)
            status, _, answer = lines[1][number].answer()
            if (status, answer) != (200, body):
                wrong.append((status, answer))
            done[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(done))]
    for one in threads:
        one.start()
    until(lambda: min(done) > 50, "there is load")
    both[0].kill()
    before = list(done)
    until(lambda: all(now > then + 50 for now, then in zip(done, before, strict=True)), "the load goes on")
    both[0].start()
    until(lambda: both[0].stats()["attached"] == ["rep-1"], "its replica is back")
    stop.set()
    for one in threads:
        one.join(DEADLINE)
    assert wrong == [] and replica.batches
    # New connections reach both again.
    assert clients(both, 1)


def test_whoever_is_scraped_shows_both(both: list[GatewayProcess], place: Workspace) -> None:
    StandIn(place, "rep-1", gateways=2)
    until(lambda: all(one.stats()["attached"] for one in both), "both have the replica")
    lines = clients(both, 1)
    for number, (line, *_) in lines.items():
        for _ in range(number + 1):
            line.send(both[number].head(3) + b"[1]")
            assert line.answer()[0] == 200
    _, found, headers = both[0].request("/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = found.decode()
    for number in range(2):
        line = f'slml_requests_total{{endpoint="churn",variant="r1",code="200",gateway="{number}"}} {number + 1}'
        assert line in text
    assert text.count("# TYPE slml_requests_total counter") == 1
    # One that is gone is left out.
    both[1].kill()
    answers = [both[0].request("/metrics")[1].decode() for _ in range(3)]
    assert all('gateway="1"' not in answer and 'gateway="0"' in answer for answer in answers)


def test_each_has_its_own_number_and_socket(both: list[GatewayProcess], place: Workspace) -> None:
    told = [one.control(op="stats") for one in both]
    assert [(one["gateway"], one["pid"]) for one in told] == [(n, both[n].process.pid) for n in range(2)]
    for path in place.gateway_sockets(2):
        assert path.stat().st_mode & 0o777 == 0o600
    assert {json.loads(place.gateway_file(n).read_text())["pid"] for n in range(2)} == {one["pid"] for one in told}

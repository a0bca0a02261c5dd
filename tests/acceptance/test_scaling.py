"""Endpoints that scale: real replicas under real load, with the daemon up. What takes half a minute begins first."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from jupyter_slml.client.start import ensure_daemon
from jupyter_slml.domain.records import Decision, Replica
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.domain.states import EndpointState, JobState, ReplicaState
from jupyter_slml.domain.views import EndpointView

from .conftest import Site, until

#: Takes the milliseconds that a row says for each row, so that batches absorb nothing; -1: never answers.
MODEL = """
class Slow:
    def predict(self, rows):
        import time
        for row in rows:
            time.sleep(3600 if row[0] < 0 else row[0] / 1000)
        return [1.0] * len(rows)

model = Slow()
"""


@pytest.fixture(scope="module")
def site(shared: Site) -> Site:
    done = shared.finish(shared.submit(MODEL, outputs=["model"], register_as="slow", allow_pickle=True))
    assert done.state is JobState.SUCCEEDED, done.reason
    return shared


def deploy(site: Site, name: str, **options: Any) -> EndpointView:
    usual = {"model": "slow", "name": name, "allow_pickle": True, "sample": [[0]], "idle": "1s"}
    return site.client.endpoints.deploy(DeploySpec.parse({**usual, **options}), wait=30)


def ask(site: Site, name: str, milliseconds: float = 0.0) -> None:
    body = json.dumps([[milliseconds]]).encode()
    assert json.loads(site.client.endpoints.invoke(name, body, "application/json")[1]) == {"predictions": [1.0]}


def replicas(site: Site, name: str) -> list[Replica]:
    """Those that answer and shall go on, standbys too."""
    found = site.client.endpoints.get(name).replicas
    return [item for item in found if item.state is ReplicaState.READY and item.desired == "run"]


def sleeps(site: Site, name: str) -> Callable[[], bool]:
    """Whether it is asleep, and nothing of it is left."""

    def look() -> bool:
        view = site.client.endpoints.get(name)
        return view.state is EndpointState.SLEEPING and not view.replicas

    return look


def decisions(site: Site, name: str) -> list[Decision]:
    """Oldest first."""
    return site.client.endpoints.decisions(name, 100).decisions[::-1]


@pytest.fixture(scope="module")
def stuck(site: Site) -> Iterator[tuple[str, threading.Thread]]:
    """The id of a replica that has a request which it never answers, and who waits for that."""
    deploy(site, "stuck", min_replicas=1, max_replicas=1, timeout=5)
    (victim,) = replicas(site, "stuck")

    def wait() -> None:
        with pytest.raises(Exception, match="did not answer within 5 s"):
            ask(site, "stuck", -1)

    caller = threading.Thread(target=wait)
    caller.start()
    yield victim.id, caller
    site.client.endpoints.remove("stuck")


def test_from_zero_and_back(site: Site, stuck: object) -> None:
    """A request wakes a replica without the daemon, which takes it over and puts it to sleep later."""
    deploy(site, "calm")
    until(sleeps(site, "calm"), 10, "sleep")
    ask(site, "calm")
    until(lambda: site.client.endpoints.get("calm").state is EndpointState.READY, 5, "the daemon's word of it")
    (adopted,) = replicas(site, "calm")
    assert psutil.pid_exists(adopted.pid or 0) and adopted.phases
    ask(site, "calm")
    assert [item.id for item in replicas(site, "calm")] == [adopted.id], "no second one was started"
    until(sleeps(site, "calm"), 10, "sleep")
    until(lambda: not psutil.pid_exists(adopted.pid or 0), 5, "its end")
    moves = [(item.before, item.after, item.reason) for item in decisions(site, "calm")]
    assert moves == [
        (1, 0, "Nobody has called for 1 s."),
        (0, 1, "A request woke it."),
        (1, 0, "Nobody has called for 1 s."),
    ]


def test_a_step_of_load(site: Site) -> None:
    """From nothing to the maximum without an error, each decision with what was seen; and back."""
    deploy(site, "busy", max_replicas=4)
    until(sleeps(site, "busy"), 10, "sleep")
    over = threading.Event()

    def call() -> int:
        count = 0
        while not over.is_set():
            ask(site, "busy", 20)
            count += 1
        return count

    with ThreadPoolExecutor(40) as pool:
        calls = [pool.submit(call) for _ in range(40)]
        try:
            until(lambda: len(replicas(site, "busy")) == 4, 30, "four replicas")
        finally:
            over.set()
    assert sum(item.result() for item in calls) > 100
    until(sleeps(site, "busy"), 20, "sleep")
    found = decisions(site, "busy")
    up = [item for item in found if item.after > item.before][1:]
    assert up[-1].after == 4
    for item in up:
        assert item.inputs["service"] == pytest.approx(0.02, rel=0.5)
        assert item.inputs["rate"] > 10 and item.inputs["ready"] >= 1 and item.inputs["most"] == 4
        assert "requests" in item.reason
    down = [item.after for item in found[found.index(up[-1]) + 1 :]]
    assert down == [2, 1, 0]


def test_all_while_somebody_calls(site: Site) -> None:
    """The fixed policy."""
    deploy(site, "fixed", policy="fixed", max_replicas=3)
    until(lambda: len(replicas(site, "fixed")) == 3, 10, "three replicas")
    until(sleeps(site, "fixed"), 15, "sleep")
    ask(site, "fixed")
    until(lambda: len(replicas(site, "fixed")) == 3, 10, "three replicas")
    assert decisions(site, "fixed")[-1].reason == "Fixed: 3 while somebody calls."
    site.client.endpoints.remove("fixed")


def test_a_schedule_asks_for_more(site: Site) -> None:
    """Every minute has come already, so that its two replicas are there at once and stay."""
    deploy(site, "office", schedule=["* * * * *=2"])
    until(lambda: len(replicas(site, "office")) == 2, 10, "two replicas")
    (first,) = decisions(site, "office")
    assert (first.before, first.after, first.reason, first.inputs["least"]) == (1, 2, "The schedule asks for 2.", 2)
    site.client.endpoints.remove("office")


def test_a_warm_one_joins(site: Site) -> None:
    """While it sleeps one replica is loaded; a request joins it, and another takes its place."""
    deploy(site, "warm", warm=1)

    def warm() -> list[Replica]:
        return [item for item in replicas(site, "warm") if item.standby]

    until(lambda: site.client.endpoints.get("warm").state is EndpointState.SLEEPING and len(warm()) == 1, 10, "sleep")
    (first,) = warm()
    ask(site, "warm")
    until(lambda: first.id in [item.id for item in replicas(site, "warm") if not item.standby], 5, "it has joined")
    until(lambda: warm() and site.client.endpoints.get("warm").state is EndpointState.READY, 5, "another is warm")
    until(lambda: site.client.endpoints.get("warm").state is EndpointState.SLEEPING, 10, "sleep")
    assert len(warm()) == 1
    site.client.endpoints.remove("warm")


def test_provisioned_ones_stay(site: Site) -> None:
    """Two are there although nobody calls: after the idle time, a death, and a dead daemon."""
    deploy(site, "always", min_replicas=2)
    until(lambda: len(replicas(site, "always")) == 2, 10, "two replicas")
    deploy(site, "not-always")
    until(sleeps(site, "not-always"), 10, "sleep of one without")
    before = {item.id: item.pid for item in replicas(site, "always")}
    site.kill("jupyter_slml.processes.daemon")
    assert all(psutil.pid_exists(pid or 0) for pid in before.values())
    ensure_daemon(site.place)
    until(lambda: {item.id for item in replicas(site, "always")} == before.keys(), 10, "the same two")
    victim, pid = next(iter(before.items()))
    os.kill(pid or 0, signal.SIGKILL)
    until(lambda: victim not in [item.id for item in replicas(site, "always")], 10, "its end")
    until(lambda: len(replicas(site, "always")) == 2, 10, "two replicas")
    assert decisions(site, "always") == []
    site.client.endpoints.remove("always")


def test_one_that_hangs_is_replaced(site: Site, stuck: tuple[str, threading.Thread]) -> None:
    """Who waited for it was told so; others are answered as soon as the gateway has let go of it."""
    victim, caller = stuck
    caller.join(10)
    assert not caller.is_alive()
    until(lambda: [item.id for item in replicas(site, "stuck")] not in ([victim], []), 45, "another replica")
    ask(site, "stuck")
    until(lambda: victim not in [item.id for item in site.client.endpoints.get("stuck").replicas], 10, "its end")

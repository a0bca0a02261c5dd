"""Faults under a small real load: replicas, gateways and the daemon are killed, replicas hang, models do not load, revisions
change; and nobody who asked is left without an answer."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_slml.client import connect
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.domain.states import EndpointState
from jupyter_slml.domain.views import EndpointView
from jupyter_slml.errors import DeployFailed
from jupyter_slml.settings import Settings, workspace

from .conftest import Site, end, until
from .traffic import Caller, Counts, traffic

#: Two versions that predict otherwise, so that an answer says whose it is. A model that can hang, and one that cannot load.
TRAINS = """
import numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(80, 2))
model = xgboost.XGBRegressor(n_estimators=2).fit(rows, rows[:, 0] + %d)
"""
HANGS = """
class Model:
    def predict(self, rows):
        while len(rows) and rows[0][0] == 666:
            pass
        return [float(row[0]) for row in rows]

model = Model()
"""
BREAKS = """
def restore():
    raise RuntimeError("the licence server is away")

class Model:
    def __reduce__(self):
        return restore, ()

    def predict(self, rows):
        return [0.0 for _ in rows]

model = Model()
"""
ROW = [[0.5, 1.5]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workspace with two gateways and some models."""
    home = tmp_path_factory.mktemp("faults") / "home"
    place = workspace(home)
    place.prepare()
    place.save_settings(Settings(gateways=2))
    found = Site(place, connect(home))
    for source, model, options in (
        (TRAINS % 0, "churn", {}),
        (TRAINS % 9, "churn", {}),
        (HANGS, "hangs", {"allow_pickle": True}),
        (BREAKS, "breaks", {"allow_pickle": True}),
    ):
        job = found.finish(found.submit(source, name="fit", outputs=["model"], register_as=model, **options))
        assert job.state == "succeeded", job.reason
    yield found
    found.client.close()
    end(found.place)
    until(lambda: not found.processes(), what=f"the end of {found.processes()}")


def deploy(site: Site, model: str, name: str, **options: Any) -> EndpointView:
    usual = {"model": model, "name": name, "min_replicas": 2, "idle": 600}
    return site.client.endpoints.deploy(DeploySpec.parse({**usual, **options}), wait=60)


def ready(site: Site, name: str, count: int) -> dict[str, int]:
    """The pids of an endpoint's replicas, once so many answer."""

    def answering() -> dict[str, int]:
        view = site.client.endpoints.get(name)
        return {item.id: item.pid or 0 for item in view.replicas if item.state == "ready" and item.desired == "run"}

    until(lambda: len(answering()) == count, 60, f"{count} replicas of {name}")
    return answering()


def replaced(site: Site, name: str, before: Iterable[str], number: int) -> None:
    """Wait until so many of two replicas are others than before."""
    until(lambda: len(set(ready(site, name, 2)) & set(before)) == 2 - number, 60, f"another replica of {name}")


def go_on(counts: Counts, more: int) -> None:
    """Wait for more right answers."""
    goal = counts.right + more
    until(lambda: counts.right >= goal, 30, f"{more} more answers")


@pytest.fixture
def churn(site: Site) -> Iterator[list[float]]:
    """An endpoint with two replicas; what it answers to `ROW`."""
    deploy(site, "churn@1", "churn")
    ready(site, "churn", 2)
    caller = Caller(site, "churn")
    status, body = caller.ask(ROW)
    caller.close()
    assert status == 200
    yield body["predictions"]
    site.client.endpoints.remove("churn")
    until(lambda: all(item.name != "churn" for item in site.client.endpoints.list().endpoints), 30, "its end")


def test_a_killed_replica_costs_no_request(site: Site, churn: list[float]) -> None:
    """One after the other, and both at once: requests wait for the next."""
    with traffic(site, "churn", ROW, churn) as counts:
        go_on(counts, 100)
        for number in (1, 1, 2):
            pids = ready(site, "churn", 2)
            for pid in list(pids.values())[:number]:
                os.kill(pid, signal.SIGKILL)
            replaced(site, "churn", pids, number)
            go_on(counts, 200)
    assert counts.wrong == [] and counts.broken == []


def test_a_killed_daemon_costs_no_request(site: Site, churn: list[float]) -> None:
    """The gateways go on, a sleeping endpoint wakes, and the next daemon takes over what runs."""
    deploy(site, "churn@2", "sleeps", min_replicas=0, idle=1)
    until(lambda: site.client.endpoints.get("sleeps").state is EndpointState.SLEEPING, 60, "sleep")
    pids = ready(site, "churn", 2)
    with traffic(site, "churn", ROW, churn) as counts:
        go_on(counts, 100)
        site.kill("jupyter_slml.processes.daemon")
        go_on(counts, 300)
        assert not site.only("jupyter_slml.processes.daemon")
        sleeper = Caller(site, "sleeps")
        status, body = sleeper.ask(ROW)
        assert status == 200, body
        assert not site.only("jupyter_slml.processes.daemon")
        # The next daemon.
        assert ready(site, "churn", 2) == pids
        until(lambda: len(ready(site, "sleeps", 1)) == 1, 30, "the records have the replica that woke")
        go_on(counts, 300)
        # It looks after what it took over.
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        replaced(site, "churn", pids, 1)
        sleeper.close()
    assert counts.wrong == [] and counts.broken == []
    site.client.endpoints.remove("sleeps")


def test_a_killed_runner_costs_no_request(site: Site, churn: list[float]) -> None:
    """Its replicas end with it. What they had and what comes waits for the next ones, which the next runner starts."""
    pids = ready(site, "churn", 2)
    with traffic(site, "churn", ROW, churn) as counts:
        go_on(counts, 100)
        site.kill("jupyter_slml.processes.runner")
        replaced(site, "churn", pids, 2)
        go_on(counts, 200)
    assert counts.wrong == [] and counts.broken == []
    assert not any(psutil.pid_exists(pid) for pid in pids.values())


def test_a_killed_gateway_costs_the_other_nothing(site: Site, churn: list[float]) -> None:
    """It is replaced, and the replicas attach to the new one."""
    before = {process.pid for process in site.only("jupyter_slml.processes.gateway")}
    assert len(before) == 2
    with traffic(site, "churn", ROW, churn, callers=16) as counts:
        go_on(counts, 200)
        victim = before.pop()
        os.kill(victim, signal.SIGKILL)
        gone = {*before, victim}
        until(lambda: len({item.pid for item in site.only("processes.gateway")} - gone) == 1, 30, "another gateway")
        go_on(counts, 500)
    assert counts.wrong == [] and set(counts.broken) <= {victim}

    def attached() -> bool:
        callers = [Caller(site, "churn") for _ in range(8)]
        try:
            asked = [caller.ask(ROW) for caller in callers]
            assert all(status == 200 for status, _ in asked)
            return len({caller.gateway() for caller in callers}) == 2
        finally:
            for caller in callers:
                caller.close()

    until(attached, 30, "both gateways answer")


def test_replicas_that_hang_are_replaced(site: Site) -> None:
    """Stopped by a signal, or in an endless loop: who asked hears 504 at the deadline, others are answered."""
    deploy(site, "churn@1", "stops", timeout=2)
    deploy(site, "hangs", "loops", timeout=2, allow_pickle=True)
    stopped, looping = ready(site, "stops", 2), ready(site, "loops", 2)
    victim = next(iter(stopped))
    os.kill(stopped[victim], signal.SIGSTOP)
    asked = Caller(site, "loops")
    begun = time.monotonic()
    status, body = asked.ask([[666, 0]])
    assert status == 504 and 1.9 < time.monotonic() - begun < 4, (status, body)
    # One of two is left; the first who meets the other hears 504, too.
    caller = Caller(site, "stops")
    answers = [caller.ask(ROW)[0] for _ in range(20)]
    assert answers.count(200) >= 19 and set(answers) <= {200, 504}
    assert [asked.ask([[1, 0]]) for _ in range(20)] == [(200, {"predictions": [1.0]})] * 20
    until(lambda: victim not in ready(site, "stops", 2), 60, "the stopped one is replaced")
    replaced(site, "loops", looping, 1)
    assert not psutil.pid_exists(stopped[victim])
    assert [caller.ask(ROW)[0] for _ in range(20)] == [200] * 20
    for name in ("stops", "loops"):
        site.client.endpoints.remove(name)
    asked.close()
    caller.close()


def test_a_warm_standby_joins_at_once(site: Site) -> None:
    """The replica in rotation dies: who asks is answered by the one that was loaded ahead, and another is warmed."""
    deploy(site, "churn@1", "warm", min_replicas=1, warm=1)
    both = ready(site, "warm", 2)
    view = site.client.endpoints.get("warm")
    standby = next(item.id for item in view.replicas if item.standby)
    caller = Caller(site, "warm")
    assert caller.ask(ROW)[0] == 200
    os.kill(next(pid for name, pid in both.items() if name != standby), signal.SIGKILL)
    assert caller.ask(ROW)[0] == 200

    def promoted() -> bool:
        there = {item.id: item.standby for item in site.client.endpoints.get("warm").replicas if item.state == "ready"}
        return there.get(standby) is False and sum(there.values()) == 1

    until(promoted, 60, "the standby is in rotation, and another is warm")
    caller.close()
    site.client.endpoints.remove("warm")


def test_a_deployment_over_a_live_endpoint_drops_nothing(site: Site, churn: list[float]) -> None:
    """Back and forth under load: each answer is the old version's or the new one's."""
    deploy(site, "churn@2", "other", min_replicas=1)
    caller = Caller(site, "other")
    other = caller.ask(ROW)[1]["predictions"]
    caller.close()
    assert other != churn
    with traffic(site, "churn", ROW, [churn, other]) as counts:
        go_on(counts, 100)
        for model in ("churn@2", "churn@1", "churn@2"):
            deploy(site, model, "churn")
            go_on(counts, 150)
        site.client.endpoints.rollback("churn")
        go_on(counts, 150)
    assert counts.wrong == [] and counts.broken == []
    site.client.endpoints.remove("other")


def test_a_model_that_cannot_load_leaves_the_old_one_serving(site: Site, churn: list[float]) -> None:
    """The error has the user's own frames and none of ours."""
    with traffic(site, "churn", ROW, churn) as counts:
        with pytest.raises(DeployFailed, match=r"could not load breaks@1.*the licence server is away") as caught:
            deploy(site, "breaks", "churn", allow_pickle=True)
        go_on(counts, 100)
    assert counts.wrong == [] and counts.broken == []
    trace = "".join(caught.value.detail["traceback"])
    # cloudpickle calls the file of all code that it carries `<dynamic-code>` since 3.1.3.
    assert re.search(r'File "<(fit|dynamic-code)>", line 3, in restore', trace)
    assert "RuntimeError: the licence server is away" in trace
    assert str(Path(__file__).parents[2] / "jupyter_slml") not in trace
    view = site.client.endpoints.get("churn")
    assert view.state is EndpointState.READY and view.model == "churn" and view.error is not None

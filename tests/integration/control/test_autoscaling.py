"""The autoscaler over real records and a real gateway, without load; and what it takes over of gateways."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from jupyter_slml.control.autoscaling import Autoscaler
from jupyter_slml.control.observations import Hung, Woken
from jupyter_slml.control.reconcile.adoption import Change
from jupyter_slml.domain.records import Replica
from jupyter_slml.domain.specs import DeploySpec, JobSpec, ScaleSpec
from jupyter_slml.domain.states import EndpointState, JobState
from jupyter_slml.domain.views import EndpointView

from .conftest import Control

pytestmark = pytest.mark.anyio

SLEEPS = "Nobody has called for 1 s."


class Shifted:
    """The time of day, from where a test sets it."""

    def __init__(self, today: datetime) -> None:
        self._ahead = today.timestamp() - time.time()

    def now(self) -> float:
        return time.time() + self._ahead


@contextlib.asynccontextmanager
async def autoscaler(control: Control) -> AsyncIterator[None]:
    """At work, with ticks of a tenth of a second; leaving ends it as a crash would."""
    found = Autoscaler(
        control.database,
        control.gateway,
        control.compute,
        control.catalogue,
        control.reconciler,
        control.bus,
        tick=0.1,
    )
    work = asyncio.create_task(found.run())
    try:
        yield
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


async def deployed(control: Control, model: str = "churn", **options: object) -> EndpointView:
    """A ready endpoint of that model, whose name it has."""
    job = control.jobs.submit(JobSpec(source="pass", name=model, register_as=model))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    control.endpoints.deploy(DeploySpec.parse({"model": model, "idle": 1, **options}))
    await control.until(lambda: control.endpoints.get(model).state is EndpointState.READY)
    return control.endpoints.get(model)


def running(control: Control, name: str = "churn") -> list[Replica]:
    return [item for item in control.endpoints.get(name).replicas if item.desired == "run"]


def asleep(control: Control, name: str = "churn") -> bool:
    view = control.endpoints.get(name)
    return view.state is EndpointState.SLEEPING and not view.replicas


def woken(view: EndpointView, replica: str, *, standby: bool = False, failed: bool = False) -> Woken:
    now = time.time()
    return Woken(view.name, view.revision, replica, now - 600, now - 599.95, standby=standby, failed=failed)


async def scale(control: Control, view: EndpointView, wanted: int, working: set[str] | None = None) -> None:
    change = Change(view.name, view.revision, wanted, "Because.", {"rate": 1.5})
    await control.reconciler.scale([change], working or set())


async def test_a_schedule_wakes_what_sleeps(control: Control) -> None:
    """At eight o'clock, by a timer of its own: nothing else is awake."""
    control.database.clock = Shifted(datetime(2026, 11, 24, 3, 0))
    async with autoscaler(control):
        await deployed(control, schedule=["0 8 * * *=2", "0 18 * * *=0"])
        await control.until(lambda: asleep(control))
    control.database.clock = Shifted(datetime(2026, 11, 24, 7, 59, 59))
    async with autoscaler(control):
        await asyncio.sleep(0)
        assert asleep(control)
        await control.until(lambda: len(running(control)) == 2)
        woke = control.endpoints.decisions("churn", 1).decisions[0]
        assert (woke.before, woke.after, woke.reason) == (0, 2, "The schedule asks for 2.")
        late = datetime(2026, 11, 24, 8) - timedelta(seconds=1)
        assert woke.at >= late.timestamp()
        control.database.clock = Shifted(datetime(2026, 11, 24, 18, 0))
        await control.until(lambda: asleep(control))


async def test_what_the_daemon_missed_holds_when_it_comes_back(control: Control) -> None:
    control.database.clock = Shifted(datetime(2026, 11, 24, 3, 0))
    view = await deployed(control, schedule=["0 8 * * *=1", "0 18 * * *=0"])
    await scale(control, view, 0)
    await control.until(lambda: asleep(control))
    control.database.clock = Shifted(datetime(2026, 11, 24, 12, 0))
    async with autoscaler(control):
        await control.until(lambda: len(running(control)) == 1)


async def test_no_more_than_there_is_room_for(control: Control) -> None:
    """Two CPUs hold eight replicas of a quarter; jobs wait for no replica that has no place."""
    async with autoscaler(control):
        view = await deployed(control, policy="fixed", max_replicas=6, idle=3600)
        await control.until(lambda: len(running(control)) == 6)
        control.endpoints.scale(view.name, ScaleSpec(max_replicas=20))
        await control.until(lambda: len(running(control)) == 8)
        last = control.endpoints.decisions("churn", 1).decisions[0]
        assert last.reason == "Fixed: 20 while somebody calls. The cluster has room for 2 more."
        assert (last.after, last.inputs["room"], last.inputs["wish"]) == (8, 2, 20)


async def test_bounds_set_by_hand_hold(control: Control) -> None:
    async with autoscaler(control):
        view = await deployed(control)
        control.endpoints.scale(view.name, ScaleSpec(min_replicas=2))
        other = await deployed(control, "fraud")
        await control.until(lambda: asleep(control, other.name))
        assert len(running(control)) == 2
        control.endpoints.scale(view.name, ScaleSpec(min_replicas=0))
        await control.until(lambda: asleep(control))
        assert [item.reason for item in control.endpoints.decisions("churn", 2).decisions] == [SLEEPS, SLEEPS]


async def test_a_replica_that_a_gateway_woke_becomes_a_record(control: Control) -> None:
    """It is attached to, and none is started in its place."""
    view = await deployed(control)
    await scale(control, view, 0)
    await control.until(lambda: asleep(control))
    started = list(control.compute.started)
    await control.reconciler.adopt([woken(view, "rep-woken")], [])
    await control.until(lambda: control.endpoints.get("churn").state is EndpointState.READY)
    await control.reconciler.adopt([woken(view, "rep-woken")], [])
    (adopted,) = running(control)
    assert adopted.id == "rep-woken"
    assert adopted.ready_at - adopted.created_at == pytest.approx(0.05, abs=1e-3), "as the gateway saw it"
    assert control.compute.started == [*started, "rep-woken"]
    assert control.endpoints.decisions("churn", 1).decisions[0].reason == "A request woke it."


async def test_one_that_nobody_wants_any_more_is_ended(control: Control) -> None:
    """Its endpoint is gone, or serves something else."""
    view = await deployed(control)
    old = view.revision
    await deployed(control)
    await control.until(lambda: control.endpoints.get("churn").serving != old and len(running(control)) == 1)
    await control.reconciler.adopt([woken(view, "rep-late")], [])
    await control.until(lambda: "rep-late" not in [item.id for item in control.endpoints.get("churn").replicas])
    assert "rep-late" in control.compute.started
    control.endpoints.remove("churn")
    await control.until(lambda: not control.endpoints.list().endpoints)
    await control.reconciler.adopt(
        [woken(view, "rep-later"), Woken("none", "rev-none", "rep-x", 0.0, None, False, False)], []
    )
    await control.until(lambda: "rep-later" in control.compute.started)
    await deployed(control)
    await control.until(lambda: len(control.endpoints.get("churn").replicas) == 1)


async def test_a_wake_that_failed_is_tried_here(control: Control) -> None:
    """So that the error is on the endpoint, not in a gateway's log alone."""
    view = await deployed(control)
    await scale(control, view, 0)
    await control.until(lambda: asleep(control))
    await control.reconciler.adopt([woken(view, "rep-failed", failed=True)], [])
    await control.until(lambda: len(running(control)) == 1)
    assert running(control)[0].id != "rep-failed"


async def test_a_standby_that_joined_is_replaced(control: Control) -> None:
    view = await deployed(control, warm=1)
    await control.until(lambda: len(running(control)) == 2)
    await scale(control, view, 0)
    await control.until(lambda: control.endpoints.get("churn").state is EndpointState.SLEEPING)
    await control.until(lambda: len(control.endpoints.get("churn").replicas) == 1)
    (warm,) = running(control)
    assert warm.standby
    await control.reconciler.adopt([woken(view, warm.id, standby=True)], [])
    await control.until(lambda: control.endpoints.get("churn").state is EndpointState.READY)
    assert {item.id: item.standby for item in running(control)}[warm.id] is False
    await control.until(lambda: sorted(item.standby for item in running(control)) == [False, True])
    # More are wanted: the warm one joins before another is started.
    (second,) = [item for item in running(control) if item.standby]
    await control.until(lambda: next(item for item in running(control) if item.standby).state == "ready")
    await scale(control, view, 2)
    assert {item.id: item.standby for item in running(control)}[second.id] is False


async def test_one_that_hangs_is_replaced(control: Control) -> None:
    view = await deployed(control)
    (stuck,) = running(control)
    hung = Hung(view.name, view.revision, stuck.id)
    await control.reconciler.adopt([], [hung, hung])
    await control.until(lambda: stuck.id not in [item.id for item in control.endpoints.get("churn").replicas])
    await control.until(lambda: [item.state for item in running(control)] == ["ready"])
    assert len(control.compute.started) == 3, "the job, and two replicas"


async def test_idle_ones_go_first(control: Control) -> None:
    """Then the youngest."""
    view = await deployed(control)
    for count in (2, 3, 4):
        await scale(control, view, count)
        await control.until(lambda count=count: [item.state for item in running(control)] == ["ready"] * count)
    first, second, third, _ = [item.id for item in sorted(running(control), key=lambda item: item.created_at)]
    await scale(control, view, 3, {second})
    assert {item.id for item in running(control)} == {first, second, third}
    await scale(control, view, 2, {second, third})
    assert {item.id for item in running(control)} == {second, third}
    newest = control.endpoints.decisions("churn", 1).decisions[0]
    assert (newest.before, newest.after, newest.reason, newest.inputs) == (3, 2, "Because.", {"rate": 1.5})
    await scale(control, view, 2)
    assert control.endpoints.decisions("churn", 1).decisions == [newest], "nothing was decided"


async def test_while_all_sleep_nobody_is_asked(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle daemon is idle; while something is awake each tick is one question, of what is active only."""
    asked: list[tuple[float, object]] = []
    readings = control.gateway.readings

    def count(only: Mapping[str, Any] | None = None) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        asked.append((time.monotonic(), only))
        return readings(only)

    monkeypatch.setattr(control.gateway, "readings", count)
    async with autoscaler(control):
        await deployed(control)
        await control.until(lambda: asleep(control))
        # Five ticks without a question.
        await control.until(lambda: time.monotonic() - asked[-1][0] > 0.5)
        asked.clear()
        control.endpoints.wake("churn")
        await control.until(lambda: len(asked) > 2)
        assert asked[-1][1] == {"active": True}

"""What gateways count becomes evidence of the versions that answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from jupyter_slml.control import evidence
from jupyter_slml.control.loads import Loads
from jupyter_slml.control.measuring import Measuring
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Evidence
from jupyter_slml.domain.specs import DeploySpec, JobSpec, PromoteSpec
from jupyter_slml.domain.states import EndpointState, JobState
from jupyter_slml.serving import frames
from tests.integration.serving.stage import StandIn

from .conftest import Control

pytestmark = pytest.mark.anyio


def measuring(control: Control, **options: float) -> Measuring:
    loads = Loads(control.database, control.gateway, Catalogue())
    return Measuring(control.database, control.gateway, control.bus, loads, **options)


async def serving(control: Control, name: str) -> StandIn:
    """An endpoint whose replica is played."""
    view = control.endpoints.deploy(DeploySpec(model="churn", name=name))
    await control.until(lambda: control.endpoints.get(name).state is EndpointState.READY)
    routes = json.loads((control.place.gateway_dir / "routes.json").read_text())["endpoints"][name]
    stand_in = StandIn(control.place, f"rep-{name}", view.revision, routes["revisions"][view.revision]["token"], name)
    await control.until(stand_in.attached.is_set)
    return stand_in


async def call(control: Control, name: str, times: int) -> None:
    headers = {"Authorization": f"Bearer {control.place.token_file.read_text()}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        for _ in range(times):
            await client.post(control.gateway.url(name), content=b"[[1]]")


def seen(control: Control) -> list[Evidence]:
    return control.models.evidence("churn", 1).evidence


@pytest.fixture
async def churn(control: Control) -> Control:
    job = control.jobs.submit(JobSpec(source="pass", name="churn", register_as="churn"))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    return control


async def test_traffic_is_measured_and_gates_see_it(churn: Control) -> None:
    control = churn
    measured = measuring(control)
    replica = await serving(control, "live")
    await measured.measure()
    assert seen(control) == []
    await call(control, "live", 3)
    replica.reply = frames.Reply(500, b"application/json", b"{}")
    await call(control, "live", 1)
    await measured.measure()
    (found,) = seen(control)
    assert (found.kind, found.name, found.job) == ("endpoint", "live", None)
    assert found.metrics["requests"] == 4 and found.metrics["error_rate"] == 0.25
    assert 0 < found.metrics["p50"] <= found.metrics["p95"] <= found.metrics["p99"] < 5
    gate = "endpoint.p95 < 5 and endpoint.error_rate < 0.3 and endpoint.requests >= 4"
    moved = control.transitions.promote(PromoteSpec(model="churn@1", to="production", gate=gate, actor="ada"))
    assert moved.version.stage == "production"


async def test_a_new_daemon_does_not_take_all_of_history_for_a_minute(churn: Control) -> None:
    control = churn
    await serving(control, "live")
    await call(control, "live", 5)
    later = measuring(control)
    await later.measure()
    assert seen(control) == []
    await call(control, "live", 2)
    await later.measure()
    assert [item.metrics["requests"] for item in seen(control)] == [2]


async def test_it_looks_while_something_is_awake(churn: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """And stops looking when nothing is; measurements are bounded."""
    control = churn
    monkeypatch.setattr(evidence, "MOST_OBSERVED", 3)
    looked: list[Any] = []
    readings = control.gateway.readings

    async def counted(only: Mapping[str, Any]) -> list[dict[str, Any]]:
        looked.append(None)
        return await readings(only)

    monkeypatch.setattr(control.gateway, "readings", counted)
    work = asyncio.create_task(measuring(control, period=0.05).run())
    await control.until(lambda: len(looked) == 1)
    await serving(control, "live")
    for number in range(5):
        await call(control, "live", 1)
        await control.until(lambda number=number: sum(item.metrics["requests"] for item in seen(control)) >= min(number, 3))
    await control.until(lambda: len(seen(control)) == 3)
    control.endpoints.remove("live")
    await control.until(lambda: not control.endpoints.list().endpoints)
    last = time.monotonic() + 20
    before = -1
    while before != len(looked):
        assert time.monotonic() < last, "it goes on looking although nothing is awake"
        before = len(looked)
        await asyncio.sleep(0.3)
    assert not work.done()
    work.cancel()


async def test_figures_are_of_about_the_last_minute_however_often_somebody_looks(churn: Control) -> None:
    """A look right after another one shows the same minute, and not the moment between them."""
    control = churn
    loads = Loads(control.database, control.gateway, Catalogue())
    await serving(control, "live")
    await call(control, "live", 4)
    for _ in range(3):
        found = await loads.get("live")
        assert found.requests == 4 and found.p95 is not None
    # Heard a minute ago: what came before does not count any more.
    said = await control.gateway.stats("live")
    later = Loads(control.database, control.gateway, Catalogue())
    later.hear(found.at - 58, {**said, "started_at": found.at - 7200})
    await call(control, "live", 2)
    found = await later.get("live")
    assert found.requests == 2 and 58 <= found.window < 70

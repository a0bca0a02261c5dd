"""Endpoints that follow a reference: what makes them move, and what does not."""

from __future__ import annotations

import pytest

from jupyter_slml.domain.specs import DecisionSpec, DeploySpec, JobSpec, PromoteSpec, ScaleSpec
from jupyter_slml.domain.states import EndpointState, JobState
from jupyter_slml.errors import Invalid
from jupyter_slml.settings import Workspace
from jupyter_slml.testing.compute import FakeCompute

from .conftest import MODEL, Control, running

pytestmark = pytest.mark.anyio


async def registered(control: Control, model: str = "churn") -> None:
    job = control.jobs.submit(JobSpec(source="pass", name=model, register_as=model))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)


def promote(control: Control, model: str, to: str) -> None:
    control.transitions.promote(PromoteSpec(model=model, to=to, actor="ada"))


async def serves(control: Control, name: str, version: int) -> None:
    await control.until(
        lambda: (found := control.endpoints.get(name)).version == version and found.state is EndpointState.READY
    )


async def test_it_moves_with_its_reference_and_keeps_its_options(control: Control) -> None:
    for _ in range(3):
        await registered(control)
    promote(control, "churn@1", "production")
    control.endpoints.deploy(DeploySpec(model="churn@production", name="live", follow=True, max_queue=7))
    control.endpoints.deploy(DeploySpec(model="churn@production", name="still"))
    await serves(control, "live", 1)
    await serves(control, "still", 1)
    control.endpoints.scale("live", ScaleSpec(max_replicas=2))
    promote(control, "churn@2", "production")
    await serves(control, "live", 2)
    found = control.endpoints.get("live")
    assert (found.spec.max_queue, found.spec.follow, found.max_replicas) == (7, True, 2)
    # A rollback of the endpoint is not undone by what it follows, but by the reference's next move.
    control.endpoints.rollback("live")
    await serves(control, "live", 1)
    await registered(control)
    promote(control, "churn@3", "champion")
    assert control.endpoints.followers() == []
    promote(control, "churn@3", "production")
    await serves(control, "live", 3)
    assert control.endpoints.get("still").version == 1


async def test_a_bare_name_follows_the_newest_approved_version(control: Control) -> None:
    await registered(control)
    control.endpoints.deploy(DeploySpec(model="churn", follow=True))
    await serves(control, "churn", 1)
    await registered(control)
    await serves(control, "churn", 2)
    control.transitions.decide(DecisionSpec(model="churn@1", approval="approved", actor="ada"))
    await serves(control, "churn", 1)


async def test_moves_while_no_daemon_ran_are_noticed(place: Workspace) -> None:
    compute = FakeCompute()
    compute.outputs = [MODEL]
    async with running(place, compute) as control:
        for _ in range(2):
            await registered(control)
        promote(control, "churn@1", "production")
        control.endpoints.deploy(DeploySpec(model="churn@production", name="live", follow=True))
        await serves(control, "live", 1)
        # As if it came in the moment of the crash: stored, and nobody is told.
        control.database.listener = lambda events: None
        promote(control, "churn@2", "production")
    async with running(place, compute) as control:
        await serves(control, "live", 2)
    await control.gateway.shut_down()


async def test_what_cannot_be_followed_leaves_the_endpoint_as_it_is(control: Control) -> None:
    await registered(control)
    promote(control, "churn@1", "production")
    control.endpoints.deploy(DeploySpec(model="churn@production", name="live", follow=True))
    await serves(control, "live", 1)
    promote(control, "churn@1", "archived")
    await control.until(lambda: control.endpoints.get("live").reason)
    found = control.endpoints.get("live")
    assert found.reason == "Cannot follow churn@production: No version of 'churn' is in production."
    assert (found.state, found.version) == (EndpointState.READY, 1)
    with pytest.raises(Invalid, match="never moves"):
        control.endpoints.deploy(DeploySpec(model="churn@1", name="live", follow=True))
    with pytest.raises(Invalid, match="all of the traffic, not 10 %"):
        control.endpoints.deploy(DeploySpec(model="churn@candidate", name="live", follow=True, weight=10))

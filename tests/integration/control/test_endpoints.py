"""Endpoints through the reconciler: deploying, switching, failing, replacing, taking down."""

from __future__ import annotations

import json

import pytest

from jupyter_slml.domain.specs import DeploySpec, JobSpec
from jupyter_slml.domain.states import EndpointState, JobState
from jupyter_slml.errors import Invalid, NotFound

from .conftest import Control

pytestmark = pytest.mark.anyio


async def registered(control: Control, model: str) -> None:
    job = control.jobs.submit(JobSpec(source="pass", name=model, register_as=model))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)


async def ready(control: Control, name: str, revision: str) -> None:
    await control.until(
        lambda: (found := control.endpoints.get(name)).serving == revision and found.state is EndpointState.READY
    )


async def test_deploy_serve_redeploy_and_take_down(control: Control) -> None:
    """The route follows: the new revision answers before the old one's replica ends, and the name is free at the end."""
    await registered(control, "churn")
    first = control.endpoints.deploy(DeploySpec(model="churn"))
    assert first.state is EndpointState.STARTING
    await ready(control, "churn", first.revision)
    await registered(control, "churn")
    second = control.endpoints.deploy(DeploySpec(model="churn@2"))
    assert second.serving == first.revision
    await ready(control, "churn", second.revision)
    await control.until(lambda: len(control.endpoints.get("churn").replicas) == 1)
    view = control.endpoints.get("churn")
    assert (view.model, view.version) == ("churn", 2)
    routes = json.loads((control.place.gateway_dir / "routes.json").read_text())
    assert routes["endpoints"]["churn"]["serving"] == second.revision
    assert control.gateway.status().alive
    control.endpoints.remove("churn")
    await control.until(lambda: not control.endpoints.list().endpoints)
    with pytest.raises(NotFound, match="no endpoint 'churn'"):
        control.endpoints.get("churn")
    third = control.endpoints.deploy(DeploySpec(model="churn@1"))
    await ready(control, "churn", third.revision)


async def test_a_model_that_cannot_load_leaves_the_old_revision_serving(control: Control) -> None:
    """The loading error is on the endpoint; nothing is switched."""
    for model in ("good", "bad"):
        await registered(control, model)
    first = control.endpoints.deploy(DeploySpec(model="good", name="e"))
    await ready(control, "e", first.revision)
    control.endpoints.deploy(DeploySpec(model="bad", name="e"))
    await control.until(lambda: control.endpoints.get("e").error is not None)
    view = control.endpoints.get("e")
    assert view.serving == first.revision
    assert view.state is EndpointState.READY
    assert view.error == {"ename": "ValueError", "evalue": "bad model", "traceback": ["ValueError: bad model"]}
    control.endpoints.deploy(DeploySpec(model="bad", name="new"))
    await control.until(lambda: control.endpoints.get("new").state is EndpointState.FAILED)


async def test_a_dead_replica_is_replaced(control: Control) -> None:
    """The endpoint is degraded until the next replica answers."""
    await registered(control, "churn")
    view = control.endpoints.deploy(DeploySpec(model="churn"))
    await ready(control, "churn", view.revision)
    old = control.endpoints.get("churn").replicas[0].id
    control.compute.lose(old)

    def replaced() -> bool:
        found = control.endpoints.get("churn").replicas
        return [item.state for item in found] == ["ready"] and found[0].id != old

    await control.until(replaced)
    assert control.endpoints.get("churn").state is EndpointState.READY


async def test_unknown_models_and_types_are_refused(control: Control) -> None:
    """Nothing is created for a request that cannot be met."""
    with pytest.raises(NotFound, match="no model 'none'"):
        control.endpoints.deploy(DeploySpec(model="none"))
    await registered(control, "churn")
    with pytest.raises(NotFound, match="no version 9"):
        control.endpoints.deploy(DeploySpec(model="churn@9"))
    with pytest.raises(Invalid, match="No worker can run a replica"):
        control.endpoints.deploy(DeploySpec(model="churn", instance="cpu.xlarge"))
    assert control.endpoints.list().endpoints == []


async def test_a_gateway_that_cannot_start_says_why(control: Control) -> None:
    """And starts when it is mended."""
    place, settings = control.place, control.place.settings()
    gone = place.home / "gone.pem"
    place.save_settings(settings.model_copy(update={"gateway_certificate": gone, "gateway_key": gone}))
    await registered(control, "churn")
    control.endpoints.deploy(DeploySpec(model="churn"))
    await control.until(lambda: "gone.pem" in (control.gateway.status().problem or ""))
    place.save_settings(settings)
    await control.until(lambda: control.gateway.status().alive)
    assert control.gateway.status().problem is None

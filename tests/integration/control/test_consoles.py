"""Consoles through the records: who may be looked into, what is marked, and what is undone when it cannot be."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from jupyter_slml.control import consoles
from jupyter_slml.control.consoles import Consoles
from jupyter_slml.domain.specs import ConsoleSpec, DeploySpec, JobSpec
from jupyter_slml.domain.states import EndpointState, JobState
from jupyter_slml.domain.views import EndpointView
from jupyter_slml.errors import Conflict, NotFound, Unavailable
from jupyter_slml.storage import events

from .conftest import Control

pytestmark = pytest.mark.anyio


async def deployed(control: Control, model: str = "churn", **options: object) -> EndpointView:
    job = control.jobs.submit(JobSpec(source="pass", name=model, register_as=model))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    control.endpoints.deploy(DeploySpec.model_validate({"model": model, **options}))
    await control.until(lambda: control.endpoints.get(model).state in (EndpointState.READY, EndpointState.FAILED))
    return control.endpoints.get(model)


def desk(control: Control) -> Consoles:
    return Consoles(control.database, control.endpoints, control.gateway, control.bus, control.place.run)


def file_of(control: Control, replica: str) -> Path:
    """What its kernel would have written."""
    path = control.place.run / f"{replica}.json"
    path.touch(mode=0o600)
    return path


def log(control: Control) -> list[str]:
    with control.database.read() as connection:
        return [item.kind for item in events.after(connection, 0, 1000) if "console" in item.kind]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in's replicas run on this host."""
    monkeypatch.setattr(socket, "gethostname", lambda: "fake")


async def test_replicas_on_other_hosts_are_named(control: Control) -> None:
    view = await deployed(control, min_replicas=1)
    with pytest.raises(Conflict, match=r"on other hosts \(fake\)"):
        await desk(control).open("churn", ConsoleSpec())
    with pytest.raises(Conflict, match="runs on fake"):
        await desk(control).open("churn", ConsoleSpec(replica=view.replicas[0].id))
    assert log(control) == []


async def test_a_console_is_opened_once_kept_and_closed(control: Control, here: None) -> None:
    view = await deployed(control, min_replicas=1)
    replica = view.replicas[0].id
    found = desk(control)
    with pytest.raises(Unavailable, match="cannot be found"):
        await found.open("churn", ConsoleSpec())
    path = file_of(control, replica)
    spec = ConsoleSpec(by="ada")
    opened = await found.open("churn", spec)
    assert (opened.replica, opened.connection_file, opened.model, opened.version) == (replica, str(path), "churn", 1)
    assert await found.open("churn", spec) == opened
    assert control.endpoints.get("churn").replicas[0].console == "open"
    with pytest.raises(Conflict, match="console on 'churn'"):
        await found.open("other", spec)
    await found.close("other", spec.key)
    assert log(control) == ["endpoint.console"]
    await found.close("churn", spec.key)
    await found.close("churn", spec.key)
    assert log(control) == ["endpoint.console", "endpoint.console_closed"]
    assert control.endpoints.get("churn").replicas[0].console == ""
    with pytest.raises(NotFound, match="no endpoint 'none'"):
        await found.open("none", ConsoleSpec())
    with pytest.raises(NotFound, match="no replica 'rep-x'"):
        await found.open("churn", ConsoleSpec(replica="rep-x"))


async def test_what_cannot_be_spared_is_not_drained(control: Control, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other replica takes over (the stand-in's never reach the gateway): the console is refused and nothing is left."""
    monkeypatch.setattr(consoles, "WAKE_TIME", 0.3)
    view = await deployed(control, min_replicas=1)
    file_of(control, view.replicas[0].id)
    with pytest.raises(Conflict, match="only replica that answers"):
        await desk(control).open("churn", ConsoleSpec(drain=True))
    assert log(control) == ["endpoint.console", "endpoint.console_closed"]
    await control.until(lambda: [item.console for item in control.endpoints.get("churn").replicas] == [""])


async def test_an_endpoint_that_failed_says_why(control: Control, here: None) -> None:
    await deployed(control, "bad")
    with pytest.raises(Conflict, match=r"no replica to look into: .*bad model"):
        await desk(control).open("bad", ConsoleSpec())

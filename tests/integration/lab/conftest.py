"""A Jupyter server with our extension beside a real workspace, which the extension itself starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - fixtures and hooks, for this folder alone

from jupyter_slml.client.start import leave, running
from jupyter_slml.settings import HOME_VARIABLE, Workspace, workspace


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    place = workspace(tmp_path_factory.mktemp("lab") / "home")
    yield place
    if running(place) is not None:
        leave(place, drain=False)


@pytest.fixture
def jp_server_config(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv(HOME_VARIABLE, str(place.home))
    return {"ServerApp": {"jpserver_extensions": {"jupyter_slml": True}, "terminals_enabled": False}}

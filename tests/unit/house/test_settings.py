"""Settings that would open the gateway to others are refused unless that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from jupyter_slml.settings import Settings, request_log, workspace

TLS = {"gateway_certificate": "/c.pem", "gateway_key": "/k.pem"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"gateway_host": "::1"},
        {"gateway_auth": False},
        {"gateway_host": "0.0.0.0", **TLS},
        {"gateway_host": "10.0.0.7", "gateway_open": True},
        {"gateway_host": "10.0.0.7", "gateway_open": True, "gateway_auth": False},
    ],
)
def test_what_is_allowed(given: dict[str, Any]) -> None:
    assert Settings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gateway_host": "0.0.0.0"}, "gateway_open=true"),
        ({"gateway_host": "0.0.0.0", "gateway_auth": False, **TLS}, "gateway_auth=true"),
        ({"gateway_certificate": "/c.pem"}, "go together"),
        ({"gateway_key": "/k.pem"}, "go together"),
        ({"gateways": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate(given)


def test_no_path_is_made_of_a_name(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    names = ["churn", "Churn", "x" * 63, "é" * 63, "a.b"]
    paths = {request_log(place.requests, name) for name in names}
    assert len(paths) == len(names)
    assert all(path.parent == place.logs / "requests" and len(path.name) == 22 for path in paths)

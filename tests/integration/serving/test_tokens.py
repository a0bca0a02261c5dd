"""Tokens of callers: endpoints, scopes, expiry; and a gateway that asks for none."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import GatewayProcess, StandIn

URL = "/endpoints/churn/invocations"


def token(secret: str, endpoints: list[str], scopes: list[str], expires_at: float | None = None) -> dict[str, Any]:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return {"digest": digest, "endpoints": endpoints, "scopes": scopes, "expires_at": expires_at}


@pytest.fixture
def echo(gateway: GatewayProcess, place: Workspace) -> StandIn:
    gateway.tokens = [
        token("of-churn", ["churn"], ["invoke"]),
        token("of-all", ["*"], ["invoke", "metrics"], time.time() + 1000),
        token("of-metrics", ["*"], ["metrics"]),
        token("of-other", ["other"], ["invoke"]),
        token("of-yesterday", ["*"], ["invoke"], time.time() - 1),
    ]
    gateway.route(churn=CHURN, other=CHURN)
    found = StandIn(place, "rep-1")
    assert found.attached.wait(10)
    return found


@pytest.mark.parametrize(
    ("secret", "invoke", "metrics"),
    [
        ("of-churn", 200, 403),
        ("of-all", 200, 200),
        ("of-metrics", 403, 200),
        ("of-other", 403, 403),
        ("of-yesterday", 401, 401),
        ("of-nobody", 401, 401),
        ("", 401, 401),
    ],
)
def test_what_a_token_opens(gateway: GatewayProcess, echo: StandIn, secret: str, invoke: int, metrics: int) -> None:
    status, body, _ = gateway.request(URL, [[1]], Authorization=f"Bearer {secret}")
    assert status == invoke
    if invoke != 200:
        assert body["error"]["field"] == "Authorization" and (not secret or secret not in str(body))
    assert gateway.request("/metrics", Authorization=f"Bearer {secret}")[0] == metrics
    # The same as an access key, which is how boto3 says it.
    signed = (
        f"AWS4-HMAC-SHA256 Credential={secret}/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
    )
    status, body, headers = gateway.request(URL, [[1]], Authorization=signed)
    assert status == {200: 200, 401: 403, 403: 403}[invoke]
    if status != 200:
        kind = "UnrecognizedClientException" if invoke == 401 else "AccessDeniedException"
        assert headers["x-amzn-ErrorType"] == kind and body["Message"]


def test_a_token_does_not_say_which_endpoints_there_are(gateway: GatewayProcess, echo: StandIn) -> None:
    for path in ("/endpoints/none/invocations", "/endpoints/other/invocations"):
        assert gateway.request(path, [[1]], Authorization="Bearer of-churn")[0] == 403
        assert gateway.request(path, [[1]], Authorization="")[0] == 401


def test_a_token_that_is_taken_back(gateway: GatewayProcess, echo: StandIn) -> None:
    assert gateway.request(URL, [[1]], Authorization="Bearer of-churn")[0] == 200
    gateway.tokens = []
    gateway.route(churn=CHURN)
    assert gateway.request(URL, [[1]], Authorization="Bearer of-churn")[0] == 401


def test_a_gateway_that_asks_for_none(place: Workspace) -> None:
    place.save_settings(place.settings().model_copy(update={"gateway_auth": False}))
    open_to_all = GatewayProcess(place)
    open_to_all.write_routes(churn=CHURN)
    open_to_all.start()
    try:
        assert StandIn(place, "rep-1").attached.wait(10)
        for given in ("", "Bearer x"):
            assert open_to_all.request(URL, [[1]], Authorization=given)[0] == 200
        assert open_to_all.request("/metrics", Authorization="")[0] == 200
    finally:
        open_to_all.kill()

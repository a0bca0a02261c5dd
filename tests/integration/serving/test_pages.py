"""What people and scrapers read: metrics, the description of an endpoint, the page to try it."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jupyter_slml.serving.frames import Reply
from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import GatewayProcess, StandIn

URL = "/endpoints/churn/invocations"
SIGNATURE = {
    "features": 2,
    "columns": ["age", "plan"],
    "types": None,
    "classes": [0, 1],
    "task": "binary",
    "inputs": [
        {"name": "age", "dtype": "int64", "min": 18, "max": 90, "nulls": 0},
        {"name": "plan", "dtype": "category", "categories": ["basic", "pro"], "nulls": 0},
    ],
}


@pytest.fixture
def echo(gateway: GatewayProcess, place: Workspace) -> StandIn:
    gateway.route(churn={**CHURN, "schema": SIGNATURE, "max_body": 5000})
    found = StandIn(place, "rep-1")
    assert found.attached.wait(10)
    return found


def test_metrics_are_what_happened(gateway: GatewayProcess, echo: StandIn) -> None:
    for _ in range(3):
        assert gateway.request(URL, [[1]])[0] == 200
    echo.reply = Reply(422, b"application/json", b"{}")
    assert gateway.request(URL, [[1]])[0] == 422
    _, found, headers = gateway.request("/metrics")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(found.decode())}
    counts = {one.labels["code"]: one.value for one in families["slml_requests"].samples}
    assert counts == {"200": 3, "422": 1}
    latency = families["slml_request_seconds"]
    assert latency.type == "histogram"
    samples = {one.name: one.value for one in latency.samples if one.labels.get("le") in (None, "+Inf")}
    assert samples["slml_request_seconds_bucket"] == samples["slml_request_seconds_count"] == 4
    assert 0 < samples["slml_request_seconds_sum"] < 10
    bounds = [one.value for one in latency.samples if one.name.endswith("_bucket")]
    assert bounds == sorted(bounds) and len(bounds) == 16
    sizes = {one.labels["le"]: one.value for one in families["slml_batch_size"].samples if "le" in one.labels}
    assert sizes["1"] == sizes["+Inf"] == 4
    states = {one.labels["state"]: one.value for one in families["slml_replicas"].samples}
    assert states == {"ready": 1, "standby": 0, "held": 0}
    assert families["slml_replica_busy_seconds"].samples[0].value > 0
    assert families["slml_gateway_resident_bytes"].samples[0].value > 10_000_000


def test_the_description_of_an_endpoint(gateway: GatewayProcess, echo: StandIn) -> None:
    status, found, headers = gateway.request("/endpoints/churn/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert found["openapi"] == "3.1.0" and found["info"]["title"] == "churn"
    operation = found["paths"]["/invocations"]["post"]
    content = operation["requestBody"]["content"]
    kinds = {"application/json", "text/csv", "application/x-npy", "application/vnd.apache.arrow.stream"}
    assert set(content) == kinds
    assert content["application/json"]["example"] == {"instances": [{"age": 18, "plan": "basic"}]}
    assert (
        "The probability of 1" in found["components"]["schemas"]["Predictions"]["properties"]["predictions"]["description"]
    )
    listed, named = found["components"]["schemas"]["Rows"]["oneOf"][1]["items"]["oneOf"]
    assert listed["minItems"] == listed["maxItems"] == 2
    assert named["properties"]["age"]["type"] == ["integer", "null"]
    assert named["properties"]["plan"] == {"type": ["string", "null"], "examples": ["basic", "pro"]}
    assert set(operation["responses"]) >= {"200", "400", "401", "413", "415", "422", "429", "503", "504"}
    assert "5000 bytes" in found["info"]["description"]
    # A model without a signature has a description as well.
    gateway.route(churn=CHURN)
    assert gateway.request("/endpoints/churn/openapi.json")[1]["paths"]
    assert gateway.request("/endpoints/none/openapi.json")[0] == 404
    assert gateway.request("/endpoints/churn/openapi.json", Authorization="")[0] == 401


def test_the_page_holds_no_data_and_needs_no_token(gateway: GatewayProcess, echo: StandIn) -> None:
    status, page, headers = gateway.request("/endpoints/churn/try", Authorization="")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert gateway.request("/endpoints/none/try", Authorization="")[1] == page
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    for kind in ("script", "style"):
        inner: Any = re.search(rf"<{kind}>(.*?)</{kind}>".encode(), page, re.DOTALL)
        mark = base64.b64encode(hashlib.sha256(inner[1]).digest()).decode()
        assert f"{kind}-src 'sha256-{mark}'" in policy
    # Everything that it calls is beside it, so that a proxy may stand before it.
    assert re.findall(rb'fetch\("([^"]*)"', page) == [b"openapi.json", b"invocations"]
    assert gateway.request("/endpoints/churn/try", [[1]])[0] == 405

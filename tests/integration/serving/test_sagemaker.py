"""SageMaker's door: unmodified boto3, its error shapes, and what clients of its containers do."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from jupyter_slml.serving.frames import Reply
from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import GatewayProcess, StandIn, thread, until

URL = "/endpoints/churn/invocations"
TWO: dict[str, Any] = {
    **CHURN,
    "traffic": {"r1": 100, "r2": 0},
    "revisions": {"r1": {"token": "t1", "variant": "v1"}, "r2": {"token": "t2", "variant": "v2"}},
}


@pytest.fixture
def echo(gateway: GatewayProcess, place: Workspace) -> StandIn:
    gateway.route(churn=TWO)
    found = StandIn(place, "rep-1")
    assert found.attached.wait(10)
    return found


def runtime(gateway: GatewayProcess, token: str | None = None) -> Any:
    """A client as a user of SageMaker makes it, pointed here."""
    return boto3.client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{gateway.port}",
        aws_access_key_id=token or gateway.token,
        aws_secret_access_key="unused",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
    )


def refused(client: Any, **arguments: Any) -> tuple[int, str, dict[str, Any]]:
    """Status, code and whole answer of a call that fails."""
    usual = {"EndpointName": "churn", "Body": b"[[1]]", "ContentType": "application/json"}
    with pytest.raises(ClientError) as caught:
        client.invoke_endpoint(**{**usual, **arguments})
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], dict(answer)


def test_boto3_invokes_an_endpoint(gateway: GatewayProcess, echo: StandIn) -> None:
    answer = runtime(gateway).invoke_endpoint(
        EndpointName="churn",
        Body=b"[[1, 2]]",
        ContentType="application/json",
        CustomAttributes="trace=1",
        InferenceId="id-1",
    )
    assert json.load(answer["Body"]) == [[1, 2]]
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "v1"
    assert answer["CustomAttributes"] == "trace=1"
    (question,) = echo.questions
    assert (question.content_type, question.door, question.body) == ("application/json", "sagemaker", b"[[1, 2]]")
    assert question.trace == answer["ResponseMetadata"]["HTTPHeaders"]["x-request-id"]


def test_arrays_pass_both_ways(gateway: GatewayProcess, echo: StandIn) -> None:
    data = io.BytesIO()
    np.save(data, np.arange(12, dtype=np.float32).reshape(3, 4))
    echo.reply = Reply(200, b"application/x-npy", data.getvalue())
    answer = runtime(gateway).invoke_endpoint(
        EndpointName="churn", Body=data.getvalue(), ContentType="application/x-npy", Accept="application/x-npy"
    )
    assert answer["ContentType"] == "application/x-npy"
    np.testing.assert_array_equal(np.load(io.BytesIO(answer["Body"].read())), np.arange(12).reshape(3, 4))
    (question,) = echo.questions
    assert (question.content_type, question.accept) == ("application/x-npy", "application/x-npy")


def test_a_variant_is_named(gateway: GatewayProcess, echo: StandIn, place: Workspace) -> None:
    second = StandIn(place, "rep-2", "r2", "t2")
    assert second.attached.wait(10)
    answer = runtime(gateway).invoke_endpoint(
        EndpointName="churn", Body=b"[[1]]", ContentType="application/json", TargetVariant="v2"
    )
    # It has no share of the traffic, and is there for who names it.
    assert answer["InvokedProductionVariant"] == "v2" and second.batches == [[b"[[1]]"]] and echo.batches == []
    status, code, answer = refused(runtime(gateway), TargetVariant="v9")
    assert (status, code) == (400, "ValidationError") and "no variant 'v9'" in answer["Error"]["Message"]


def test_what_the_model_refuses_is_a_model_error(gateway: GatewayProcess, echo: StandIn) -> None:
    echo.reply = Reply(422, b"application/json", b'{"error": {"code": "invalid", "message": "Row 1 has 2 values."}}')
    status, code, answer = refused(runtime(gateway), CustomAttributes="a=b")
    assert (status, code) == (424, "ModelError")
    assert answer["OriginalStatusCode"] == 422 and answer["OriginalMessage"] == "Row 1 has 2 values."
    assert answer["Error"]["Message"] == 'Received client error (422) from primary with message "Row 1 has 2 values."'
    client = runtime(gateway)
    with pytest.raises(client.exceptions.ModelError):
        client.invoke_endpoint(EndpointName="churn", Body=b"[]")


def test_what_the_gateway_refuses(gateway: GatewayProcess, echo: StandIn) -> None:
    assert refused(runtime(gateway), EndpointName="churm")[:2] == (400, "ValidationError")
    assert refused(runtime(gateway, "wrong"))[:2] == (403, "UnrecognizedClientException")
    gateway.route(churn={**TWO, "max_body": 1000})
    status, code, answer = refused(runtime(gateway), Body=b"1" * 1001)
    assert (status, code) == (413, "ValidationError") and "1000 bytes" in answer["Error"]["Message"]


def test_a_full_queue_and_a_deadline(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn={**TWO, "max_queue": 1, "timeout": 1})
    with thread(lambda: refused(runtime(gateway))) as late:
        until(lambda: gateway.stats()["queued"] == 1, "one waits")
        status, code, answer = refused(runtime(gateway))
        assert (status, code) == (429, "ModelNotReadyException")
        assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    status, code, answer = late[0]
    assert (status, code) == (424, "ModelError") and answer["OriginalStatusCode"] == 504


def test_the_paths_of_a_container(gateway: GatewayProcess, echo: StandIn) -> None:
    assert gateway.request("/ping", Authorization="")[0] == 200
    assert gateway.request("/invocations", [[1]])[:2] == (200, [[1]])
    gateway.route(churn=TWO, other=CHURN)
    status, body, _ = gateway.request("/invocations", [[1]])
    assert status == 409 and "2 endpoints" in body["error"]["message"]
    assert gateway.request("/invocations", [[1]], Authorization="")[0] == 401


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ("", 411),
        ("Content-Length: 17000000\r\n", 413),
        ("Content-Length: 3\r\nContent-Encoding: gzip\r\n", 415),
        ("Content-Length: 3\r\nTransfer-Encoding: gzip, chunked\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 400),
        ("X: " + "y" * 20_000 + "\r\n", 431),
        ("X: y\r\n" * 4000, 431),
        ("Expect: miracles\r\nContent-Length: 3\r\n", 417),
    ],
)
def test_heads_that_are_refused_here(gateway: GatewayProcess, echo: StandIn, extra: str, status: int) -> None:
    with gateway.connect() as client:
        client.send(gateway.head(None, extra="X-Amzn-SageMaker-Custom-Attributes: a\r\n" + extra) + b"[1]")
        found, headers, body = client.answer()
        told = json.loads(body)
        assert found == status and told["Message"] and "error" not in told
        # A head that the parser itself gives up is refused before anybody knows whose it is.
        assert headers["x-amzn-errortype"] == "ValidationError"

"""The request log: recorded requests and failures, without what is hidden; trace ids."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_slml.serving.frames import Reply
from jupyter_slml.settings import Workspace, request_log
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import GatewayProcess, StandIn, until

URL = "/endpoints/churn/invocations"
RECORDED: dict[str, Any] = {
    **CHURN,
    "record": 1,
    "redact": ["ssn"],
    "schema": {"columns": ["age", "ssn"], "features": 2},
    "revisions": {"r1": {"token": "t1", "variant": "v1", "model": "churn", "version": 7}},
}
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def echo(gateway: GatewayProcess, place: Workspace) -> StandIn:
    gateway.route(churn=RECORDED)
    found = StandIn(place, "rep-1")
    assert found.attached.wait(10)
    return found


def lines(place: Workspace, count: int) -> list[dict[str, Any]]:
    path = request_log(place.requests, "churn")

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return found if len(found) >= count else []

    found: list[dict[str, Any]] = until(read, f"{count} lines are written")
    assert len(found) == count
    return found


def test_a_recorded_request(gateway: GatewayProcess, echo: StandIn, place: Workspace) -> None:
    _, _, headers = gateway.request(URL, [[1, 2]], traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    (line,) = lines(place, 1)
    assert line["id"] == headers["X-Request-Id"] and line["trace"] == TRACE == echo.questions[0].trace
    told = {name: line[name] for name in ("endpoint", "variant", "model", "version", "replica", "door", "status")}
    assert told == {
        "endpoint": "churn",
        "variant": "v1",
        "model": "churn",
        "version": 7,
        "replica": "rep-1",
        "door": "slml",
        "status": 200,
    }
    assert line["ms"] > 0 and line["bytes_in"] == line["bytes_out"] == 8
    assert line["body"] == [[1]] and line["answer"] == [[1, 2]]
    path = request_log(place.requests, "churn")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


def test_every_request_has_an_id_of_its_own(gateway: GatewayProcess, echo: StandIn) -> None:
    ids = [gateway.request(URL, [[1]])[2]["X-Request-Id"] for _ in range(3)]
    ids.append(gateway.request("/nowhere")[2]["X-Request-Id"])
    assert len(set(ids)) == 4 and all(len(one) == 32 and int(one, 16) for one in ids)
    assert [question.trace for question in echo.questions] == ids[:3]
    # What is no traceparent is none.
    for wrong in ("x", f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE}-1-01"):
        headers = gateway.request(URL, [[1]], traceparent=wrong)[2]
        assert echo.questions[-1].trace == headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("body", "kind", "kept"),
    [
        (b'{"instances": [{"age": 1, "ssn": 2}], "more": 3}', "application/json", {"instances": [{"age": 1}]}),
        (b'{"columns": ["ssn", "age"], "data": [[2, 1]]}', "application/json", {"columns": ["age"], "data": [[1]]}),
        (b"[1, 2]", "application/json", [1]),
        (b"[[1, 2, 3]]", "application/json", [None]),
        (b'"secret"', "application/json", None),
        (b"not json", "application/json", None),
        (b"ssn,age\n2,1\n", "text/csv", "age\n1\n"),
        (b"1,2\n", "text/csv; charset=utf-8", "1\n"),
        (b"1,2,3\n", "text/csv", None),
        (b"\x93NUMPY", "application/x-npy", None),
    ],
)
def test_what_is_hidden_is_not_there(
    gateway: GatewayProcess, echo: StandIn, place: Workspace, body: bytes, kind: str, kept: Any
) -> None:
    # The answer does not repeat the body here.
    echo.reply = Reply(200, b"application/json", b'{"predictions":[0.5]}')
    gateway.request(URL, body, Content_Type=kind)
    (line,) = lines(place, 1)
    assert line["body"] == kept and line["answer"] == {"predictions": [0.5]}


def test_a_refusal_does_not_quote_what_is_hidden(gateway: GatewayProcess, echo: StandIn, place: Workspace) -> None:
    echo.reply = Reply(422, b"application/json", b'{"error": {"message": "Row 1, column ssn: 123 is a string"}}')
    gateway.request(URL, [[1, 123]])
    (line,) = lines(place, 1)
    assert line["status"] == 422 and line["answer"] is None and "123" not in json.dumps(line["body"])


def test_without_recording_only_failures_are_told(gateway: GatewayProcess, echo: StandIn, place: Workspace) -> None:
    gateway.route(churn={**RECORDED, "record": 0})
    assert gateway.request(URL, [[1, 2]])[0] == 200
    echo.reply = Reply(415, b"application/json", b'{"error": {"message": "No."}}')
    assert gateway.request(URL, [[3, 4]])[0] == 415
    (line,) = lines(place, 1)
    assert line["status"] == 415 and "body" not in line and "answer" not in line


def test_a_share_of_the_requests(gateway: GatewayProcess, echo: StandIn, place: Workspace) -> None:
    gateway.route(churn={**RECORDED, "record": 0.3, "max_queue": 1000})
    for _ in range(300):
        gateway.predict_raw(b"[1]")
    gateway.stop()
    found = request_log(place.requests, "churn").read_text().splitlines()
    # Ten standard deviations either side.
    assert 10 < len(found) < 170

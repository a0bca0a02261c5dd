"""What HTTP clients may do to the gateway, and what they hear."""

from __future__ import annotations

import json
import time

import pytest

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import ERROR_FIELDS, GatewayProcess, OneShot, StandIn, thread, until

URL = "/endpoints/churn/invocations"


@pytest.fixture
def echo(gateway: GatewayProcess, place: Workspace) -> StandIn:
    stand_in = StandIn(place, "rep-echo")
    assert stand_in.attached.wait(10)
    return stand_in


def test_one_request(gateway: GatewayProcess, echo: StandIn) -> None:
    status, body, headers = gateway.request(URL, [[1, 2]])
    assert (status, body) == (200, [[1, 2]])
    assert headers["Content-Type"] == "application/json"
    assert "Date" in headers and "Connection" not in headers
    stats = gateway.stats()
    assert stats["requests"] == 1 and stats["replicas"] == ["rep-echo"] and stats["latency"]["p50"] > 0


def test_ping_needs_no_token_and_nothing_else_does_without(gateway: GatewayProcess, echo: StandIn) -> None:
    assert gateway.request("/ping", Authorization="")[:2] == (200, {"status": "ok"})
    for wrong in ("", "Bearer", "Bearer x", f"Basic {gateway.token}", gateway.token, "Bearer \xff"):
        for path, body in ((URL, [[1]]), ("/endpoints/churn", None), ("/other", None)):
            status, answer, headers = gateway.request(path, body, Authorization=wrong)
            assert status == 401 and answer["error"]["code"] == "unauthorized"
            assert headers["WWW-Authenticate"] == "Bearer"
            assert gateway.token not in json.dumps(answer)
    assert gateway.request(URL, [[1]], Authorization=f"bearer   {gateway.token}")[0] == 200


def test_wrong_addresses_and_methods(gateway: GatewayProcess, echo: StandIn) -> None:
    status, body, _ = gateway.request("/endpoints/churm/invocations", [[1]])
    assert status == 404 and "'churm'" in body["error"]["message"] and "%deploy" in body["error"]["remedy"]
    assert gateway.request("/nowhere")[0] == 404
    status, body, headers = gateway.request(URL)
    assert status == 405 and headers["Allow"] == "POST" and body["error"]["code"] == "method_not_allowed"
    assert gateway.request("/ping", b"x")[0] == 405
    assert gateway.request("/endpoints/churn", method="DELETE")[0] == 405
    status, body, headers = gateway.request("/ping", method="HEAD")
    assert (status, body) == (200, None) and int(headers["Content-Length"]) > 0
    assert gateway.request("/endpoints/churn", method="HEAD")[0] == 200
    assert gateway.request(f"{URL}?trace=1", [[1]])[0] == 200
    with gateway.connect() as client:
        client.send(b"BREW / HTTP/1.1\r\n\r\n")
        assert client.answer()[0] == 405
        assert client.ended()


def test_the_state_of_an_endpoint(gateway: GatewayProcess, echo: StandIn) -> None:
    assert gateway.request("/endpoints/churn")[1] == {
        "name": "churn",
        "ready": True,
        "serving": "r1",
        "replicas": 1,
        "queued": 0,
        "variants": [{"variant": "r1", "model": "", "version": 0, "weight": 1, "replicas": 1}],
    }


def test_names_outside_ascii(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(**{"Überleben-1": CHURN})
    replica = StandIn(place, "rep-1", endpoint="Überleben-1")
    assert replica.attached.wait(10)
    for path in ("/endpoints/%C3%9Cberleben-1/invocations", "/endpoints/%c3%9cberleben-1/invocations"):
        assert gateway.request(path, [[1]])[0] == 200


def test_chunked_bodies_and_expectations(gateway: GatewayProcess, echo: StandIn) -> None:
    with gateway.connect() as client:
        client.send(gateway.head(None, extra="Transfer-Encoding: chunked\r\n") + b"3\r\n[[1\r\n4\r\n,2]]\r\n0\r\n\r\n")
        assert client.answer()[2] == b"[[1,2]]"
        client.send(gateway.head(5, extra="Expect: 100-continue\r\n"))
        assert client.answer()[0] == 100
        client.send(b"[[7]]")
        assert client.answer()[2] == b"[[7]]"
        # A promise of a body for which a no is certain is answered before it is sent.
        client.send(gateway.head(5, "/endpoints/other/invocations", "Expect: 100-continue\r\n"))
        assert client.answer()[0] == 404
        assert client.ended()
    with gateway.connect() as client:
        client.send(gateway.head(5, extra="Expect: miracles\r\n"))
        assert client.answer()[0] == 417


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ("", 411),
        ("Content-Length: 17000000\r\n", 413),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", 400),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
        ("X: " + "y" * 20_000 + "\r\n", 431),
        ("X: y\r\n" * 4000, 431),
    ],
)
def test_heads_that_are_refused(gateway: GatewayProcess, echo: StandIn, extra: str, status: int) -> None:
    with gateway.connect() as client:
        client.send(gateway.head(None, extra=extra))
        found, headers, body = client.answer()
        error = json.loads(body)["error"]
        assert found == status and error["message"] and set(error) == ERROR_FIELDS
        if status != 411:
            assert headers["connection"] == "close"
            assert client.ended()
    assert gateway.predict_raw(b"[[1]]") == b"[[1]]"


def test_a_body_that_grows_too_large_is_refused(gateway: GatewayProcess, echo: StandIn) -> None:
    with gateway.connect() as client:
        client.send(gateway.head(None, extra="Transfer-Encoding: chunked\r\n"))
        chunk = b"100000\r\n" + b"1" * 0x100000 + b"\r\n"
        for _ in range(17):
            client.send(chunk)
        assert client.answer()[0] == 413
        assert client.ended()
    with gateway.connect() as client:
        large = b"1" * (16 * 1024 * 1024)
        client.send(gateway.head(len(large)) + large)
        status, _, body = client.answer()
        assert status == 200 and body == large


def test_a_head_without_an_end_is_refused(gateway: GatewayProcess, echo: StandIn) -> None:
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nX: ")
        with pytest.raises((ConnectionError, AssertionError)):
            for _ in range(400):
                client.send(b"y" * 1000)
                time.sleep(0.0005)
            raise AssertionError
        if gateway.process.poll() is None:
            assert client.answer()[0] == 431


def test_garbage_is_a_400(gateway: GatewayProcess, echo: StandIn) -> None:
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"hello\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        with gateway.connect() as client:
            client.send(garbage)
            assert client.answer()[0] in (400, 405)
            assert client.ended()


def test_an_upgrade_is_ignored(gateway: GatewayProcess, echo: StandIn) -> None:
    with gateway.connect() as client:
        client.send(
            b"GET /ping HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
        )
        assert client.answer()[0] == 200
        client.send(gateway.head(3) + b"[1]")
        assert client.answer()[2] == b"[1]"


def test_keep_alive_and_close(gateway: GatewayProcess, echo: StandIn) -> None:
    with gateway.connect() as client:
        for number in range(50):
            body = b"[[%d]]" % number
            client.send(gateway.head(len(body)) + body)
            assert client.answer()[2] == body
        # A mistake does not cost the connection.
        client.send(gateway.head(3, "/endpoints/none/invocations") + b"[1]")
        assert client.answer()[0] == 404
        client.send(gateway.head(3, extra="Connection: close\r\n") + b"[1]")
        assert client.answer()[1]["connection"] == "close"
        assert client.ended()
    with gateway.connect() as client:
        client.send(gateway.head(3).replace(b"HTTP/1.1", b"HTTP/1.0") + b"[1]")
        assert client.answer()[1]["connection"] == "close"
        assert client.ended()
    with gateway.connect() as client:
        client.send(gateway.head(3, extra="Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0") + b"[1]")
        assert client.answer()[1]["connection"] == "keep-alive"


def test_pipelined_answers_keep_their_order(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn={**CHURN, "max_queue": 1000})
    slow, quick = StandIn(place, "rep-slow"), StandIn(place, "rep-quick")
    assert slow.attached.wait(10) and quick.attached.wait(10)
    slow.let.clear()
    with gateway.connect() as client:
        requests = [b"[[%d]]" % number for number in range(300)]
        client.send(b"".join(gateway.head(len(body)) + body for body in requests))
        until(lambda: slow.batches, "the slow replica has work")
        slow.let.set()
        assert [client.answer()[2] for _ in requests] == requests
        # Pieces that begin and end in the middle of a head are no endless head.
        stream = b"".join(gateway.head(3) + b"[1]" for _ in range(500))
        with thread(lambda: [client.answer()[0] for _ in range(500)]) as results:
            for start in range(0, len(stream), 25_000):
                client.send(stream[start : start + 25_000])
        assert results == [[200] * 500]
    assert quick.batches and slow.batches


def test_what_waits_while_a_replica_is_busy_goes_as_one_batch(gateway: GatewayProcess, place: Workspace) -> None:
    replica = StandIn(place, "rep-1")
    assert replica.attached.wait(10)
    replica.let.clear()
    clients = [gateway.connect() for _ in range(40)]
    for client in clients:
        client.send(gateway.head(3) + b"[1]")
    until(lambda: gateway.stats()["queued"] == 39, "39 requests wait")
    replica.let.set()
    for client in clients:
        assert client.answer()[0] == 200
        client.__exit__()
    assert [len(batch) for batch in replica.batches] == [1, 39]


def test_a_queue_that_is_full_answers_429(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn={**CHURN, "max_queue": 2})
    waiting = [gateway.connect() for _ in range(2)]
    for client in waiting:
        client.send(gateway.head(3) + b"[1]")
    until(lambda: gateway.stats()["queued"] == 2, "two requests wait")
    status, body, headers = gateway.request(URL, [[1]])
    assert status == 429 and headers["Retry-After"] == "1" and body["error"]["code"] == "busy"
    replica = StandIn(place, "rep-1")
    for client in waiting:
        assert client.answer()[0] == 200
        client.__exit__()
    assert replica.batches == [[b"[1]", b"[1]"]]


def test_a_held_request_ends_at_its_deadline(gateway: GatewayProcess, place: Workspace) -> None:
    gateway.route(churn={**CHURN, "timeout": 0.3})
    status, body, _ = gateway.request(URL, [[1]])
    assert status == 504 and "no replica of it is ready" in body["error"]["message"]
    replica = OneShot(place, "rep-hangs")
    with thread(lambda: gateway.request(URL, [[2]])) as results:
        assert replica.take() == [b"[[2]]"]
    assert results[0][0] == 504 and "busy" in results[0][1]["error"]["message"]
    # The late answer is given to nobody, and the replica gets the next request.
    replica.answer(b"late")
    with thread(lambda: gateway.request(URL, [[3]])) as results:
        assert replica.take() == [b"[[3]]"]
        replica.answer(b"3")
    assert results[0][:2] == (200, 3)


def test_a_client_that_leaves_costs_nothing(gateway: GatewayProcess, place: Workspace) -> None:
    for _ in range(30):
        client = gateway.connect()
        client.send(gateway.head(3) + b"[1]")
        until(lambda: gateway.stats()["queued"] == 1, "the request waits")
        client.reset()
        until(lambda: gateway.stats()["queued"] == 0, "the request is withdrawn")
    replica = OneShot(place, "rep-1")
    client = gateway.connect()
    client.send(gateway.head(3) + b"[1]")
    assert replica.take() == [b"[1]"]
    client.reset()
    until(lambda: gateway.control(op="stats")["held_bytes"] == 0, "the body is let go")
    replica.answer(b"to nobody")
    with thread(lambda: gateway.request(URL, [[3]])) as results:
        assert replica.take() == [b"[[3]]"]
        replica.answer(b"3")
    assert results[0][:2] == (200, 3)


def test_a_client_that_does_not_read_is_not_waited_for(gateway: GatewayProcess, echo: StandIn) -> None:
    body = b"[" + b"1," * 500_000 + b"1]"
    with gateway.connect() as lazy:
        lazy.socket.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200:
                lazy.send(gateway.head(len(body)) + body)
                sent += 1
        assert sent < 200
        assert gateway.predict_raw(b"[[1]]") == b"[[1]]"

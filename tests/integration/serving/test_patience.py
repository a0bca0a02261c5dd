"""Clients that are too slow are let go, each at its own limit. The gateway runs in this process, with short limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.settings import Workspace
from tests.integration.serving.stage import Served, served_here, until

SHORT = Limits(
    head=2048,
    body=1000,
    head_time=0.3,
    body_time=0.3,
    idle_time=0.5,
    write_time=0.3,
    linger_time=0.3,
    held_bytes=1500,
)
HEAD = b"POST /endpoints/churn/invocations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n"


@pytest.fixture
def served(tmp_run: Path) -> Iterator[Served]:
    route = {"timeout": 60, "max_queue": 10, "serving": None, "revisions": {"r1": {"token": "t"}}}
    with served_here(Workspace(home=tmp_run, run=tmp_run), SHORT, churn=route) as found:
        yield found


def test_a_slow_head(served: Served) -> None:
    with served.connect() as client:
        client.send(b"POST /endp")
        status, headers, body = client.answer()
        assert status == 408 and headers["connection"] == "close"
        assert json.loads(body)["error"]["field"] == "headers"
        assert client.ended()


def test_a_slow_body(served: Served) -> None:
    with served.connect() as client:
        client.send(HEAD + b"Content-Length: 10\r\n\r\n[")
        status, _, body = client.answer()
        assert status == 408 and json.loads(body)["error"]["field"] == "body"
        assert client.ended()


def test_an_idle_connection(served: Served) -> None:
    with served.connect() as never_used, served.connect() as used:
        used.send(b"GET /ping HTTP/1.1\r\n\r\n")
        assert used.answer()[0] == 200
        assert never_used.ended() and used.ended()
    until(lambda: not served.gateway.connections, "both connections are forgotten")


def test_a_held_request_is_not_idle(served: Served) -> None:
    with served.connect() as client, served.connect() as idle:
        client.send(HEAD + b"Content-Length: 3\r\n\r\n[1]")
        assert idle.ended()
        # Looked at by the same clock, the waiting one is still there.
        assert len(served.gateway.connections) == 1
    until(lambda: not served.gateway.connections, "the client left")
    assert not served.gateway.endpoints["churn"].pools["r1"].queue


def test_memory_for_held_bodies_is_bounded(served: Served) -> None:
    with served.connect() as first, served.connect() as second:
        body = b"1" * 1000
        first.send(HEAD + b"Content-Length: 1000\r\n\r\n" + body)
        until(lambda: served.gateway.statistics()["held_bytes"] == 1000, "the first is held")
        second.send(HEAD + b"Content-Length: 1000\r\n\r\n" + body)
        assert second.answer()[0] == 429
        second.send(HEAD + b"Content-Length: 1001\r\n\r\n" + body)
        assert second.answer()[0] == 413


def test_a_client_that_never_reads_is_cut_off(served: Served) -> None:
    with served.connect() as client:
        client.socket.settimeout(0.2)
        asked = b"GET /endpoints/nowhere HTTP/1.1\r\nAuthorization: Bearer secret\r\n\r\n" * 500
        with pytest.raises(OSError):
            for _ in range(1000):
                try:
                    client.send(asked)
                except TimeoutError:
                    until(lambda: not served.gateway.connections, "it is cut off")
                    raise

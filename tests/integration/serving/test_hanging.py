"""A replica that neither answers nor dies is found. The gateway runs in this process, with short limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.serving import frames
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.settings import Workspace
from tests.integration.serving.stage import OneShot, RawClient, Served, StandIn, served_here, until

SHORT = Limits(hang_time=0.8, probe_time=0.2, quiet_time=0.1, reattach_time=0)
HEAD = b"POST /endpoints/churn/invocations HTTP/1.1\r\nAuthorization: Bearer secret\r\nContent-Length: 3\r\n\r\n"


@pytest.fixture
def place(tmp_run: Path) -> Workspace:
    return Workspace(home=tmp_run, run=tmp_run)


@pytest.fixture
def served(place: Workspace) -> Iterator[Served]:
    route = {"timeout": 0.5, "max_queue": 10, "serving": None, "revisions": {"r1": {"token": "t1"}}}
    with served_here(place, SHORT, churn=route) as found:
        yield found


def ask(client: RawClient, body: bytes) -> tuple[int, bytes]:
    client.send(HEAD + body)
    status, _, answer = client.answer()
    return status, answer


def hung(served: Served) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.gateway.statistics()["hung"]
    return found


def test_a_replica_that_keeps_its_batch_is_let_go(served: Served, place: Workspace) -> None:
    replica = OneShot(place, "rep-stuck")
    with served.connect() as client:
        client.send(HEAD + b"[1]")
        assert replica.take() == [b"[1]"]
        status, _, answer = client.answer()
        assert status == 504 and b"its replicas are busy" in answer
        # Its link is closed, the daemon hears of it, and others answer.
        assert replica.line.recv(1) == b""
        (told,) = hung(served)
        assert (told["endpoint"], told["revision"], told["replica"]) == ("churn", "r1", "rep-stuck") and told["at"] > 0
        again = StandIn(place, "rep-stuck")
        assert again.attached.wait(10)
        good = StandIn(place, "rep-good")
        assert good.attached.wait(10)
        assert [ask(client, b"[%d]" % number) for number in range(5)] == [(200, b"[%d]" % number) for number in range(5)]
        assert again.batches == []
    served.gateway.news.taken(["rep-stuck"])
    assert hung(served) == []


def test_an_idle_replica_is_asked_whether_it_lives(served: Served, place: Workspace) -> None:
    dead, alive = OneShot(place, "rep-dead"), OneShot(place, "rep-alive")
    splitter = frames.Splitter()
    for _ in range(4):
        assert list(splitter.feed(alive.line.recv(100))) == [[]]
        alive.line.sendall(frames.EMPTY)
    # The other was asked as well, said nothing, and gets no request.
    until(lambda: hung(served), "the silent one is found")
    assert dead.line.recv(100) == frames.EMPTY and dead.line.recv(1) == b""
    with served.connect() as client:
        client.send(HEAD + b"[1]")
        assert alive.take() == [b"[1]"]
        alive.answer(b"1")
        assert client.answer()[0] == 200
    assert [told["replica"] for told in hung(served)] == ["rep-dead"]


def test_a_request_after_the_question_is_answered_after_it(served: Served, place: Workspace) -> None:
    replica = OneShot(place, "rep-1")
    assert replica.line.recv(100) == frames.EMPTY
    with served.connect() as client:
        client.send(HEAD + b"[1]")
        assert replica.take() == [b"[1]"]
        body = frames.write_reply(frames.Reply(200, b"application/json", json.dumps([1]).encode()))
        # Both answers at once, in the order of the questions.
        replica.line.sendall(frames.EMPTY + frames.join([body]))
        assert client.answer()[2] == b"[1]"
    assert hung(served) == []

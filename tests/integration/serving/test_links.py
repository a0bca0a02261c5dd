"""Replicas that come, die and are dropped, and a gateway that dies: no accepted request is lost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from functools import partial
from typing import Any

import pytest

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import DEADLINE, GatewayProcess, OneShot, StandIn, thread, until

URL = "/endpoints/churn/invocations"


def test_requests_are_held_until_a_replica_comes(gateway: GatewayProcess, place: Workspace) -> None:
    # Nothing serves yet, so the newest revision answers as soon as it is there: a cold start waits for no reload.
    gateway.route(churn={**CHURN, "serving": None, "revisions": {"r1": {"token": "t1"}, "r2": {"token": "t2"}}})
    old = StandIn(place, "rep-old")
    assert old.attached.wait(DEADLINE)
    with thread(lambda: gateway.request(URL, [[1]])) as results:
        until(lambda: gateway.stats()["queued"] == 1, "the request waits")
        StandIn(place, "rep-new", "r2", "t2")
    assert results[0][:2] == (200, [[1]])
    assert old.batches == []
    assert gateway.stats()["replicas"] == ["rep-new"] and gateway.stats()["attached"] == ["rep-new", "rep-old"]
    # The snapshot decides: back to the first revision, without a request lost.
    gateway.route(churn={**CHURN, "serving": "r1", "revisions": {"r1": {"token": "t1"}, "r2": {"token": "t2"}}})
    assert gateway.predict_raw(b"[2]") == b"[2]"
    assert old.batches == [[b"[2]"]]


def test_strangers_are_not_let_in(gateway: GatewayProcess, place: Workspace) -> None:
    for arguments in (("r1", "wrong"), ("r9", "t1")):
        stranger = OneShot(place, "rep-x", *arguments)
        assert stranger.word["ok"] is False and stranger.word["error"]["code"] == "unauthorized"
        stranger.die()
    for line in (b"{}\n", b"[1]\n", b"\xff\n", b'{"hello": "other"}\n', b"[" * 5000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(DEADLINE)
            raw.connect(str(place.gateway_socket))
            raw.sendall(line)
            assert json.loads(raw.makefile().readline())["ok"] is False
    assert place.gateway_socket.stat().st_mode & 0o777 == 0o600
    assert place.token_file.stat().st_mode & 0o777 == 0o600


def test_a_dead_replicas_requests_go_to_another(gateway: GatewayProcess, place: Workspace) -> None:
    first = OneShot(place, "rep-1")
    with thread(lambda: gateway.request(URL, [[1]])) as results:
        assert first.take() == [b"[[1]]"]
        first.die()
        until(lambda: gateway.stats()["queued"] == 1, "the request is held again")
        second = OneShot(place, "rep-2")
        assert second.take() == [b"[[1]]"]
        second.answer(b"1")
    assert results[0][:2] == (200, 1)


def test_a_request_that_kills_replicas_is_given_up(gateway: GatewayProcess, place: Workspace) -> None:
    with thread(lambda: gateway.request(URL, [[1]])) as results:
        for number in range(3):
            replica = OneShot(place, f"rep-{number}")
            assert replica.take() == [b"[[1]]"]
            replica.die()
    status, body, headers = results[0]
    assert status == 503 and "3 replicas" in body["error"]["message"] and headers["Retry-After"] == "1"


def test_a_replica_that_answers_nonsense_is_cut_off(gateway: GatewayProcess, place: Workspace) -> None:
    for nonsense in (b"\x04\0\0\0\0\0\0\0", b"\xff" * 64, b"\x0a\0\0\0\1\0\0\0\2\0\0\0xx"):
        broken = OneShot(place, "rep-broken")
        with thread(lambda: gateway.request(URL, [[1]])) as results:
            assert broken.take() == [b"[[1]]"]
            broken.line.sendall(nonsense)
            assert broken.line.recv(1) == b""
            good = OneShot(place, "rep-good")
            assert good.take() == [b"[[1]]"]
            good.answer(b"1")
        assert results[0][0] == 200
        good.die()
        until(lambda: gateway.stats()["attached"] == [], "both are gone")


def test_drop_waits_for_the_batch_and_keeps_the_replica_out(gateway: GatewayProcess, place: Workspace) -> None:
    replica = OneShot(place, "rep-1")
    with thread(lambda: gateway.request(URL, [[1]])) as results:
        assert replica.take() == [b"[[1]]"]
        with thread(lambda: gateway.control(op="drop", replica="rep-1")) as dropped:
            until(lambda: gateway.stats()["replicas"] == [], "it is out of rotation")
            assert not dropped
            replica.answer(b"1")
        assert dropped == [{"dropped": "rep-1"}]
    assert results[0][:2] == (200, 1)
    # It gets nothing more, also when it connects anew.
    again = StandIn(place, "rep-1")
    assert again.attached.wait(DEADLINE)
    other = StandIn(place, "rep-2")
    assert other.attached.wait(DEADLINE)
    assert [gateway.predict_raw(b"[%d]" % number) for number in range(5)] == [b"[%d]" % number for number in range(5)]
    assert again.batches == [] and len(other.batches) == 5
    assert gateway.control(op="drop", replica="rep-unknown") == {"dropped": "rep-unknown"}


def test_control_refuses_what_it_does_not_know(gateway: GatewayProcess, place: Workspace) -> None:
    assert gateway.control(op="dance")["error"]["field"] == "op"
    (place.gateway_dir / "routes.json").write_text("nonsense")
    assert "routing snapshot" in gateway.control(op="reload")["error"]["message"]
    assert gateway.request("/endpoints/churn")[0] == 200


def test_an_endpoint_that_is_taken_down(gateway: GatewayProcess, place: Workspace) -> None:
    replica = OneShot(place, "rep-1")
    with thread(lambda: gateway.request(URL, [[1]])) as first, thread(lambda: gateway.request(URL, [[2]])) as second:
        (taken,) = replica.take()
        until(lambda: gateway.stats()["queued"] == 1, "one waits and one is being answered")
        gateway.route()
        replica.answer(taken)
        assert replica.line.recv(1) == b""
    assert sorted([first[0][0], second[0][0]]) == [200, 404]
    assert gateway.request(URL, [[1]])[0] == 404


def test_one_gateway_per_workspace(gateway: GatewayProcess, place: Workspace) -> None:
    command = [sys.executable, "-m", "jupyter_slml.processes.gateway", "--home", str(place.home)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert second.returncode == 3 and "has a gateway already" in second.stderr
    assert gateway.request("/ping")[0] == 200


def test_a_taken_port_is_named(place: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (place.gateway_dir / "gateway.json").write_text(json.dumps({"port": port}))
        command = [sys.executable, "-m", "jupyter_slml.processes.gateway", "--home", str(place.home)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 4 and f"127.0.0.1:{port}" in result.stderr and "gateway_port" in result.stderr


def test_a_killed_gateway_comes_back_on_its_port(gateway: GatewayProcess, place: Workspace) -> None:
    replica = StandIn(place, "rep-1")
    assert gateway.predict_raw(b"[1]") == b"[1]"
    port, token = gateway.port, gateway.token
    gateway.kill()
    gateway.start()
    # The replica was told nothing: it finds its way back, and what came in the meantime was held.
    assert gateway.predict_raw(b"[2]") == b"[2]"
    assert (gateway.port, gateway.token) == (port, token)
    assert len(replica.batches) == 2


def _reached(done: list[int], wanted: list[int]) -> bool:
    return all(now >= then for now, then in zip(done, wanted, strict=True))


@pytest.mark.parametrize("way", ["exit", "SIGTERM"])
def test_it_leaves_when_it_has_answered(gateway: GatewayProcess, place: Workspace, way: str) -> None:
    replica = OneShot(place, "rep-1")
    with gateway.connect() as idle, thread(lambda: gateway.request(URL, [[1]])) as results:
        idle.send(gateway.head(3, "/nowhere") + b"[1]")
        assert idle.answer()[0] == 404
        assert replica.take() == [b"[[1]]"]
        if way == "exit":
            assert gateway.control(op="exit") == {"leaving": True}
        else:
            gateway.process.terminate()
        replica.answer(b"1")
    assert results[0][:2] == (200, 1)
    assert gateway.process.wait(DEADLINE) == 0


def test_kills_under_load_cost_no_request(gateway: GatewayProcess, place: Workspace) -> None:
    """Three replicas take turns to die in the middle of their batches while eight clients keep asking."""
    gateway.route(churn={**CHURN, "max_queue": 1000})
    stop = threading.Event()
    wrong: list[Any] = []
    done = [0] * 8

    def client(number: int) -> None:
        with gateway.connect() as line:
            while not stop.is_set():
                body = b"[[%d]]" % (number * 1_000_000 + done[number])
                line.send(gateway.head(len(body)) + body)
                status, _, answer = line.answer()
                if (status, answer) != (200, body):
                    wrong.append((status, answer))
                done[number] += 1

    steady = StandIn(place, "rep-steady")
    assert steady.attached.wait(DEADLINE)
    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for one in clients:
        one.start()
    for number in range(20):
        victim = OneShot(place, f"rep-{number}")
        victim.take()
        victim.die()
        wanted = [number + 1 for number in done]
        until(partial(_reached, done, wanted), "every client got an answer")
    stop.set()
    for one in clients:
        one.join(DEADLINE)
    assert wrong == [] and min(done) > 0

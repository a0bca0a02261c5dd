"""A request for an endpoint without replicas starts one: by the runner of this host, else by the daemon."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
import xgboost

from jupyter_slml.compute import link
from jupyter_slml.domain import signatures
from jupyter_slml.domain.orders import Limits, ReplicaOrder
from jupyter_slml.settings import Workspace, workspace
from jupyter_slml.storage.blobs import file_url, open_blobs
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.kernels import Loop, store
from tests.integration.serving.stage import GatewayProcess, StandIn, thread, until

URL = "/endpoints/churn/invocations"
ROWS, LABELS = sklearn.datasets.load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def model() -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=20, n_jobs=1).fit(ROWS.astype(np.float32), LABELS)


@pytest.fixture(scope="module")
def hosted(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose runner runs."""
    place = workspace(tmp_path_factory.mktemp("home"))
    place.prepare()
    where = link.RunnerPlace(
        workspace=place.id, run=str(place.run), data=str(place.home / "runner"), store=file_url(place.blobs)
    )

    async def start() -> None:
        reader, writer = await link.ensure(where)
        writer.write(b'{"op": "hello"}\n')
        while json.loads(await reader.readline())["zygote"] is None:
            writer.write(b'{"op": "hello"}\n')
        writer.close()

    loop.call(start(), 120)
    yield place
    loop.call(link.end(where), 60)


def order(gateway: GatewayProcess, model: Any, **changes: Any) -> dict[str, Any]:
    """The order of a snapshot."""
    place = gateway.place
    digest, kind = store(open_blobs(file_url(place.blobs)), model)
    usual: dict[str, Any] = {
        "id": "",
        "endpoint": "churn",
        "revision": revision(gateway),
        "model": "churn",
        "version": 3,
        "digest": digest,
        "format": kind,
        "signature": signatures.signature(model),
        "limits": Limits(threads=1, memory=2**30),
        "resources": {"slml_cpu": 0.25},
        "store": file_url(place.blobs),
        "gateway": str(place.gateway_socket),
        "gateways": [str(path) for path in place.gateway_sockets(2)],
        "token": "t1",
    }
    return ReplicaOrder.model_validate({**usual, **changes}).model_dump(mode="json", exclude={"id"})


def revision(gateway: GatewayProcess) -> str:
    """Each test has its own: the stand-ins of an earlier one still try to connect."""
    return f"r-{gateway.process.pid}"


def asleep(gateway: GatewayProcess, found: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """A route to one revision with that order."""
    name = revision(gateway)
    route = {"token": "t1", "variant": "v1", "model": "churn", "version": 3, "order": found, **changes}
    return {**CHURN, "timeout": 20, "max_queue": 1000, "traffic": {name: 100}, "revisions": {name: route}}


@pytest.fixture
def gateway(hosted: Workspace) -> Iterator[GatewayProcess]:
    process = GatewayProcess(hosted)
    process.write_routes()
    process.start()
    yield process
    for woken in process.control(op="stats")["woken"] if process.process.poll() is None else ():
        end(hosted, woken["replica"])
    process.kill()


def end(place: Workspace, replica: str) -> None:
    """Have the runner end a replica."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(place.runner_socket))
        line.sendall(json.dumps({"op": "stop", "id": replica, "reason": "stop", "grace": 0}).encode() + b"\n")
        assert "known" in json.loads(line.makefile().readline())


def test_many_requests_wake_one_replica(gateway: GatewayProcess, hosted: Workspace, model: xgboost.XGBClassifier) -> None:
    gateway.route(churn=asleep(gateway, order(gateway, model)), other=asleep(gateway, None))
    until(lambda: not gateway.control(op="stats", active=True)["endpoints"], "nothing is active")
    assert gateway.control(op="stats", used=True)["endpoints"] == {}
    expected = model.predict_proba(ROWS[:20].astype(np.float32))[:, 1]
    answers: dict[int, Any] = {}

    def ask(row: int) -> None:
        answers[row] = gateway.predict([ROWS[row].tolist()])[0]

    clients = [threading.Thread(target=ask, args=(row,)) for row in range(20)]
    with thread(lambda: gateway.control(op="news")) as news:
        for one in clients:
            one.start()
        for one in clients:
            one.join(30)
    assert news == [{"news": True}]
    for only in ("active", "used"):
        assert list(gateway.control(op="stats", **{only: True})["endpoints"]) == ["churn"]
    assert list(gateway.control(op="stats", endpoint="other")["endpoints"]) == ["other"]
    np.testing.assert_array_equal(np.float32([answers[row] for row in range(20)]), expected)
    (woken,) = gateway.control(op="stats")["woken"]
    assert (woken["endpoint"], woken["revision"], woken["state"], woken["standby"]) == (
        "churn",
        revision(gateway),
        "ready",
        False,
    )
    assert gateway.stats()["attached"] == [woken["replica"]]
    metrics = gateway.request("/metrics")[1].decode()
    assert 'slml_cold_starts_total{gateway="0"} 1' in metrics
    assert 'slml_cold_start_seconds_total{phase="load",gateway="0"}' in metrics
    # It ends, as a replica does that nobody needs; the next request wakes another. The daemon took the first.
    assert gateway.control(op="taken", replicas=[woken["replica"]]) == {"taken": 1}
    assert gateway.control(op="drop", replica=woken["replica"]) == {"dropped": woken["replica"]}
    end(hosted, woken["replica"])
    until(lambda: not gateway.stats()["attached"], "it is gone")
    until(lambda: not gateway.control(op="stats", active=True)["endpoints"], "it is not active any more")
    assert list(gateway.control(op="stats", used=True)["endpoints"]) == ["churn"]
    assert len(gateway.predict(ROWS[:2].tolist())) == 2
    (second,) = gateway.control(op="stats")["woken"]
    assert second["replica"] != woken["replica"]


def test_a_model_that_cannot_be_loaded_is_told_at_once(
    gateway: GatewayProcess, hosted: Workspace, model: xgboost.XGBClassifier
) -> None:
    digest, _ = open_blobs(file_url(hosted.blobs)).add([b"this is no model"])
    gateway.route(churn=asleep(gateway, order(gateway, model, digest=digest)))
    for _ in range(2):
        # The second is refused while nothing is tried.
        status, body, headers = gateway.request(URL, [[1]])
        assert status == 503 and "churn@3 could not be loaded: XGBoostError" in body["error"]["message"]
        assert int(headers["Retry-After"]) >= 1
    assert [woken["state"] for woken in gateway.control(op="stats")["woken"]] == ["failed"]
    # A new snapshot with an order that works is tried without waiting.
    gateway.route(churn=asleep(gateway, order(gateway, model)))
    assert len(gateway.predict(ROWS[:3].tolist())) == 3


def test_a_variant_that_cannot_be_loaded_leaves_its_requests_to_the_others(
    gateway: GatewayProcess, hosted: Workspace, model: xgboost.XGBClassifier
) -> None:
    digest, _ = open_blobs(file_url(hosted.blobs)).add([b"this is no model"])
    broken = asleep(gateway, order(gateway, model, digest=digest))
    broken["revisions"]["r2"] = {"token": "t2", "variant": "v2"}
    broken["traffic"] = {revision(gateway): 50, "r2": 50}
    gateway.route(churn=broken)
    other = StandIn(hosted, "rep-other", "r2", "t2")
    assert other.attached.wait(10)
    assert [gateway.request(URL, [[number]])[:2] for number in range(6)] == [(200, [[number]]) for number in range(6)]
    status, body, _ = gateway.request(URL, [[1]], X_Amzn_SageMaker_Target_Variant="v1")
    assert status == 503 and "could not be loaded" in body["Message"]


def test_what_the_daemon_starts_is_waited_for(
    gateway: GatewayProcess, hosted: Workspace, model: xgboost.XGBClassifier
) -> None:
    gateway.route(churn=asleep(gateway, order(gateway, model), waking=True))
    with thread(lambda: gateway.request(URL, [[1]])) as results:
        until(lambda: gateway.stats()["queued"] == 1, "the request waits")
        replica = StandIn(hosted, "rep-daemon", revision(gateway))
    assert results[0][:2] == (200, [[1]]) and replica.batches
    assert gateway.control(op="stats")["woken"] == []


class Daemon:
    """Takes wake requests on the daemon's socket, as its HTTP server does."""

    def __init__(self, place: Workspace, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place.daemon_socket))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                self.asked.append(line.recv(65536))
                line.sendall(self._answer)

    def close(self, place: Workspace) -> None:
        self._listener.close()
        place.daemon_socket.unlink()


def test_without_an_order_the_daemon_is_asked(gateway: GatewayProcess, hosted: Workspace) -> None:
    daemon = Daemon(hosted, b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    try:
        gateway.route(churn=asleep(gateway, None))
        with thread(lambda: gateway.request(URL, [[1]])) as results:
            until(lambda: daemon.asked, "the daemon is asked")
            assert daemon.asked[0].startswith(b"POST /endpoints/churn/wake HTTP/1.1\r\n")
            assert daemon.asked[0].endswith(b'{"revision":"%b"}' % revision(gateway).encode())
            StandIn(hosted, "rep-daemon", revision(gateway))
        assert results[0][:2] == (200, [[1]])
    finally:
        daemon.close(hosted)


def test_with_nobody_to_ask_a_request_ends_at_its_deadline(gateway: GatewayProcess) -> None:
    gateway.route(churn={**asleep(gateway, None), "timeout": 1.5})
    status, body, _ = gateway.request(URL, [[1]])
    assert status == 504 and "no replica of it is ready" in body["error"]["message"]


def test_a_standby_joins_before_a_replica_is_started(
    gateway: GatewayProcess, hosted: Workspace, model: xgboost.XGBClassifier
) -> None:
    gateway.route(churn=asleep(gateway, order(gateway, model)))
    name = revision(gateway)
    for replica in ("rep-1", "rep-2"):
        assert StandIn(hosted, replica, name, standby=True).attached.wait(10)
    assert gateway.stats()["revisions"][name]["standby"] == ["rep-1", "rep-2"]
    assert gateway.stats()["replicas"] == []
    assert gateway.predict_raw(b"[1]") == b"[1]"
    stats = gateway.control(op="stats")
    (woken,) = stats["woken"]
    assert woken["standby"] and stats["endpoints"]["churn"]["replicas"] == [woken["replica"]]
    (left,) = stats["endpoints"]["churn"]["revisions"][name]["standby"]
    # The daemon may put one into rotation as well.
    assert gateway.control(op="rotate", replica=left) == {"rotated": left, "known": True}
    assert len(gateway.stats()["replicas"]) == 2
    assert gateway.control(op="rotate", replica="rep-x") == {"rotated": "rep-x", "known": False}


def test_a_gateway_that_was_started_anew_waits_for_the_replicas_that_live(
    gateway: GatewayProcess, hosted: Workspace, model: xgboost.XGBClassifier
) -> None:
    name = revision(gateway)
    gateway.route(churn=asleep(gateway, order(gateway, model)))
    replica = StandIn(hosted, "rep-1", name)
    assert replica.attached.wait(10)
    gateway.kill()
    gateway.start()
    assert gateway.predict_raw(b"[2]") == b"[2]"
    assert gateway.control(op="stats")["woken"] == []

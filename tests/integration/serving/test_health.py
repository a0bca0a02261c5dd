"""Replicas of several gateways, and replicas that hang."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import sklearn.datasets
import xgboost

from jupyter_slml.serving import frames
from tests.integration.serving.kernels import Hall, memory
from tests.integration.serving.stage import DEADLINE, GatewayProcess

ROWS, _ = sklearn.datasets.load_breast_cancer(return_X_y=True)


class Door:
    """A gateway by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(DEADLINE)
        self._listener.bind(str(path))
        self._listener.listen()

    def greet(self) -> bytes:
        self.line, _ = self._listener.accept()
        self.line.settimeout(DEADLINE)
        hello = b""
        while not hello.endswith(b"\n"):
            hello += self.line.recv(1)
        self.line.sendall(b'{"ok": true}\n')
        return hello

    def ask(self, body: bytes) -> frames.Reply:
        (part,) = self.exchange(frames.ask([(frames.head(b"application/json", b""), body)]))
        return frames.read_reply(part)

    def exchange(self, frame: bytes) -> list[bytes]:
        self.line.sendall(frame)
        splitter = frames.Splitter()
        while True:
            data = self.line.recv(65536)
            assert data, "the replica left"
            for parts in splitter.feed(data):
                return parts

    def close(self) -> None:
        self.line.close()
        self._listener.close()
        self.path.unlink()


def test_one_replica_serves_several_gateways(hall: Hall, model: xgboost.XGBClassifier, tmp_run: Path) -> None:
    first, second = Door(tmp_run / "a"), Door(tmp_run / "b")
    replica = hall.start(model, gateways=[str(first.path), str(second.path)], standby=True)
    for door in (first, second):
        assert b'"standby": true' in door.greet()
        assert door.exchange(frames.EMPTY) == []
    body = str([ROWS[0].tolist()]).encode()
    answers = {door.ask(body) for door in (first, second, first)}
    assert len(answers) == 1 and answers.pop().status == 200
    # One goes; the other is answered meanwhile, and the first finds its replica again, which is no standby any more.
    first.close()
    assert second.ask(body).status == 200
    again = Door(tmp_run / "a")
    assert b"standby" not in again.greet()
    assert again.ask(body).status == 200 and second.ask(body).status == 200
    assert replica.stop()["state"] == "stopped"


def test_a_frozen_replica_is_ended(gateway: GatewayProcess, hall: Hall, model: xgboost.XGBClassifier) -> None:
    replica = hall.start(model, patience=1.0)
    replica.heard("ready")
    # Two beats and more: an idle replica is no hanging one.
    time.sleep(1.5)
    assert not replica.task.done()
    os.kill(replica.pid, signal.SIGSTOP)
    end = replica.end()
    assert end["state"] == "lost" and "silent" in end["message"] and "it hangs" in end["message"]
    assert not Path(f"/proc/{replica.pid}").exists()


def test_a_replica_shares_most_of_its_memory(gateway: GatewayProcess, hall: Hall) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 30)).astype(np.float32)
    replica = hall.start(xgboost.XGBClassifier(n_estimators=100, n_jobs=1).fit(rows, rows[:, 0] > 0))
    replica.heard("ready")
    manager = replica.supervisor.manager

    async def wait() -> None:
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=DEADLINE)
        finally:
            client.stop_channels()

    hall.loop.call(wait())
    assert len(gateway.predict(rows[:5].tolist())) == 5
    found = memory(replica.pid)
    assert found["Private_Clean"] + found["Private_Dirty"] < 30 * 1024

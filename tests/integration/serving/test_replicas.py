"""Real replicas, forked from a real zygote, behind a real gateway."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.kernels import Hall
from tests.integration.serving.stage import DEADLINE, GatewayProcess, kill, thread, until

URL = "/endpoints/churn/invocations"
ROWS, LABELS = sklearn.datasets.load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def model() -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=30, n_jobs=1).fit(ROWS.astype(np.float32), LABELS)


def test_a_cold_start_answers_what_the_model_in_memory_answers(
    gateway: GatewayProcess, hall: Hall, model: xgboost.XGBClassifier
) -> None:
    rows = ROWS[:300].astype(np.float32)
    with thread(lambda: gateway.predict(rows.tolist())) as results:
        replica = hall.start(model)
    np.testing.assert_array_equal(np.float32(results[0]), model.predict_proba(rows)[:, 1])
    ready = replica.heard("ready")
    assert set(ready["phases"]) == {"fork", "load", "sample", "settle", "attach"}
    assert replica.supervisor.replay() == [replica.heard("started"), ready]
    connection_file = gateway.place.run / "rep-1.json"
    assert connection_file.stat().st_mode & 0o777 == 0o600
    assert json.loads(connection_file.read_text())["transport"] == "ipc"
    # Mistakes come back through the gateway as they are.
    status, body, _ = gateway.request(URL, [[1, 2]])
    assert status == 422 and "has 2 values, the model takes 30" in body["error"]["message"]
    status, body, _ = gateway.request(URL, b"1,2", Content_Type="application/xml")
    assert status == 415 and "application/xml" in body["error"]["message"]
    assert replica.stop() == {"kind": "ended", "state": "stopped", "message": "asked for", "error": None}
    assert [path.name for path in gateway.place.run.iterdir()] == ["gateway.sock"]
    assert not hall.context.scratch("rep-1").exists()


def test_the_kernel_has_the_model_and_a_busy_cell_does_not_stop_predictions(
    gateway: GatewayProcess, hall: Hall, model: xgboost.XGBClassifier
) -> None:
    replica = hall.start(model)
    replica.heard("ready")
    manager = replica.supervisor.manager

    async def use() -> tuple[str, str]:
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=DEADLINE)
            said: list[str] = []
            await client.execute_interactive(
                "print(type(model).__name__, endpoint, version)",
                output_hook=lambda message: said.append(message["content"].get("text", "")),
                timeout=DEADLINE,
            )
            client.execute("while True: pass", stop_on_error=False)
            for _ in range(20):
                answer = await hall.loop.loop.run_in_executor(None, gateway.predict, ROWS[:2].tolist())
                assert len(answer) == 2
            await manager.interrupt_kernel()
            reply = await client.execute_interactive("1 + 1", timeout=DEADLINE, output_hook=lambda message: None)
            return "".join(said).strip(), reply["content"]["status"]
        finally:
            client.stop_channels()

    assert hall.loop.call(use(), 60) == ("XGBClassifier churn 3", "ok")
    assert hall.loop.call(manager.is_alive())
    assert replica.stop()["state"] == "stopped"
    assert not hall.loop.call(manager.is_alive())


def test_a_killed_replica_costs_no_request(gateway: GatewayProcess, hall: Hall, model: xgboost.XGBClassifier) -> None:
    gateway.route(churn={**CHURN, "max_queue": 1000})
    expected = model.predict_proba(ROWS.astype(np.float32))[:, 1]
    replicas = [hall.start(model) for _ in range(2)]
    for replica in replicas:
        replica.heard("ready")
    stop = threading.Event()
    wrong: list[Any] = []
    done = [0] * 4

    def client(number: int) -> None:
        with gateway.connect() as line:
            while not stop.is_set():
                row = (done[number] * 4 + number) % len(ROWS)
                body = json.dumps([ROWS[row].tolist()]).encode()
                line.send(gateway.head(len(body)) + body)
                status, _, answer = line.answer()
                if status != 200 or np.float32(json.loads(answer)["predictions"][0]) != expected[row]:
                    wrong.append((status, answer))
                done[number] += 1

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for one in clients:
        one.start()
    for _ in range(3):
        until(lambda: gateway.stats()["batches"] > 50, "there is load")
        kill(replicas[0].pid)
        end = replicas.pop(0).end()
        assert end["state"] == "lost" and "signal 9" in end["message"]
        replicas.append(hall.start(model))
        replicas[-1].heard("ready")
    # The gateway dies as well: the replicas come back by themselves.
    stop.set()
    for one in clients:
        one.join(DEADLINE)
    assert wrong == [] and min(done) > 10
    gateway.kill()
    gateway.start()
    np.testing.assert_array_equal(np.float32(gateway.predict(ROWS[:3].tolist())), expected[:3])
    until(lambda: len(gateway.stats()["replicas"]) == 2, "both are back")
    for replica in replicas:
        assert replica.stop(0)["state"] == "stopped"


def test_a_model_that_cannot_be_loaded(place: Workspace, hall: Hall, model: xgboost.XGBClassifier) -> None:
    digest, _ = hall.blobs.add([b"this is no model"])
    end = hall.start(digest=digest, format="xgboost-ubj").end()
    assert end["state"] == "failed" and "churn@3 could not be loaded" in end["message"]
    assert end["error"]["ename"] == "XGBoostError" and "serving/replica" not in "".join(end["error"]["traceback"])
    end = hall.start(digest="0" * 64, format="skops").end()
    assert end["state"] == "failed" and "cannot be loaded" in end["message"]
    end = hall.start(model, signature={"features": 7, "columns": None}).end()
    assert end["state"] == "failed" and "row of 7 zeros" in end["message"] and end["error"]["ename"] == "Invalid"
    assert list(place.run.iterdir()) == []


def test_a_stop_before_the_start(hall: Hall, model: xgboost.XGBClassifier) -> None:
    digest, kind = hall.store(model)
    replica = hall.start(digest=digest, format=kind)
    assert replica.stop()["state"] == "stopped"
    # At any moment of its start, and once more while it is being ended.
    for step in range(12):
        replica = hall.start(digest=digest, format=kind)
        time.sleep(step * 0.004)
        hall.loop.call(replica.supervisor.stop("asked for", 5 if step % 2 else 0))
        assert replica.stop()["state"] == "stopped"
        with contextlib.suppress(StopIteration):
            pid = next(one["pid"] for one in replica.said if one["kind"] == "started")
            assert not Path(f"/proc/{pid}").exists()
    assert list(hall.place.run.iterdir()) == []


def test_scikit_learn_with_columns(gateway: GatewayProcess, hall: Hall) -> None:
    frame = sklearn.datasets.load_breast_cancer(as_frame=True).data
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(frame, LABELS)
    replica = hall.start(model)
    expected = model.predict_proba(frame[:4])[:, 1]
    records = frame[:4].to_dict(orient="records")
    np.testing.assert_allclose(gateway.predict({"instances": records}), expected)
    turned = frame[:4][list(reversed(frame.columns))]
    np.testing.assert_allclose(
        gateway.predict({"columns": list(turned.columns), "data": turned.to_numpy().tolist()}), expected
    )
    status, body, _ = gateway.request(URL, turned.to_csv(index=False).encode(), Content_Type="text/csv")
    assert status == 200
    np.testing.assert_allclose(body["predictions"], expected)
    status, body, _ = gateway.request(URL, [[None] * 30])
    assert status == 422 and "NaN" in body["error"]["message"]
    assert replica.stop()["state"] == "stopped"

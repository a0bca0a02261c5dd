"""Start a peer's server for one model, wait until it answers, end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import environment

HERE = Path(__file__).parent
#: What each peer's environment holds. uvloop is pinned for MLServer: its workers do not start with a later one.
COMMON = ("xgboost>=3.2,<3.3", "scikit-learn", "numpy")
PACKAGES: dict[str, tuple[str, ...]] = {
    "fastapi": ("fastapi", "uvicorn", "uvloop", "httptools", "orjson", *COMMON),
    "mlserver": ("mlserver==1.7.1", "mlserver-xgboost==1.7.1", "uvloop==0.21.0", *COMMON),
    "mlflow": ("mlflow", "uvicorn", *COMMON),
    "bentoml": ("bentoml", *COMMON),
    "litserve": ("litserve", *COMMON),
    "ray": ("ray[serve]", "orjson", *COMMON),
}
#: No peer but our own limit; it runs in our environment.
IN_PROCESS = "in-process"
#: Seconds that a peer may take to its first answer.
PATIENCE = 120.0


@dataclass(frozen=True)
class Server:
    """A server that answers: where, how a body of rows is written for it, and how long it took to the first answer."""

    name: str
    url: str
    body: Callable[[list[list[float]]], bytes]
    started: float


def rows_body(rows: list[list[float]]) -> bytes:
    return json.dumps(rows).encode()


def _v2_body(rows: list[list[float]]) -> bytes:
    flat = [value for row in rows for value in row]
    tensor = {"name": "rows", "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": flat}
    return json.dumps({"inputs": [tensor], "outputs": [{"name": "predict_proba"}]}).encode()


def _mlflow_body(rows: list[list[float]]) -> bytes:
    return json.dumps({"inputs": rows}).encode()


def _bento_body(rows: list[list[float]]) -> bytes:
    return json.dumps({"rows": rows}).encode()


@contextlib.contextmanager
def serve(peer: str, model: Path, directory: Path, row: list[float]) -> Iterator[Server]:
    """Run the peer with `model` (xgboost JSON, a binary classifier)."""
    kind = peer.partition("-")[0]
    if peer == IN_PROCESS:
        python = Path(sys.executable)
    elif kind in PACKAGES:
        python = environment(directory / kind, PACKAGES[kind])
    else:
        raise SystemExit(f"unknown peer {peer!r}; known: {', '.join(PACKAGES)}")
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix=f"peer-{peer}-") as scratch:
        command, path, body, extra = _command(peer, python, model, port, Path(scratch))
        url = f"http://127.0.0.1:{port}{path}"
        environ = {**os.environ, "OMP_NUM_THREADS": "1", **extra}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        log = Path(scratch) / "log"
        begun = time.perf_counter()
        with log.open("wb") as sink:
            process = subprocess.Popen(command, cwd=scratch, env=environ, stdout=sink, stderr=sink, start_new_session=True)
        try:
            _await(url, body([row]), process, log)
            yield Server(peer, url, body, time.perf_counter() - begun)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _command(
    peer: str, python: Path, model: Path, port: int, scratch: Path
) -> tuple[list[str], str, Callable[[list[list[float]]], bytes], dict[str, str]]:
    """The command, the path that predicts, the body that it takes, and what is added to the environment."""
    match peer:
        case "in-process":
            return [str(python), str(HERE / "in_process.py"), str(model), str(port)], "/", rows_body, {}
        case "fastapi":
            return [str(python), str(HERE / "fastapi_app.py"), str(model), str(port)], "/predict", rows_body, {}
        case "mlserver" | "mlserver-batch":
            _mlserver_settings(scratch, model, port, batching=peer.endswith("batch"))
            path = "/v2/models/bench/infer"
            return [str(python.with_name("mlserver")), "start", str(scratch)], path, _v2_body, {}
        case "mlflow":
            subprocess.run([str(python), str(HERE / "mlflow_model.py"), str(model), str(scratch / "model")], check=True)
            options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
            command = [str(python.with_name("mlflow")), "models", "serve", "-m", str(scratch / "model"), *options]
            return command, "/invocations", _mlflow_body, {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        case "bentoml":
            extra = {"PEER_MODEL": str(model), "PEER_PORT": str(port), "PYTHONPATH": str(HERE), "BENTOML_HOME": str(scratch)}
            options = ["--port", str(port), "--host", "127.0.0.1", "--working-dir", str(HERE)]
            return (
                [str(python.with_name("bentoml")), "serve", "bentoml_service:Predictor", *options],
                "/predict",
                _bento_body,
                extra,
            )
        case "litserve":
            return [str(python), str(HERE / "litserve_app.py"), str(model), str(port)], "/predict", rows_body, {}
        case "ray":
            return [str(python), str(HERE / "ray_app.py"), str(model), str(port)], "/predict", rows_body, {}
    raise AssertionError(peer)


def _mlserver_settings(scratch: Path, model: Path, port: int, *, batching: bool) -> None:
    """In-process (its faster way on few cores), logs off; with its adaptive batching or without."""
    ports = {"http_port": port, "grpc_port": _free_port(), "metrics_port": _free_port()}
    (scratch / "settings.json").write_text(
        json.dumps({"debug": False, "host": "127.0.0.1", "parallel_workers": 0, "metrics_endpoint": None, **ports})
    )
    settings: dict[str, object] = {
        "name": "bench",
        "implementation": "mlserver_xgboost.XGBoostModel",
        "parameters": {"uri": str(model)},
    }
    if batching:
        settings |= {"max_batch_size": 256, "max_batch_time": 0.005}
    (scratch / "model-settings.json").write_text(json.dumps(settings))


def _await(url: str, body: bytes, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the peer ended with status {process.returncode}:\n{log.read_text()[-2000:]}")
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.005)
    raise SystemExit(f"the peer did not answer within {PATIENCE:.0f} s:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""What the serving tests play on: a real gateway process, stand-in replicas, and raw HTTP clients."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvloop

from jupyter_slml.serving import frames
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.serving.gateway.server import Gateway, Plan, open_back_door, open_door
from jupyter_slml.serving.replica.link import DataLink
from jupyter_slml.settings import Workspace, read_json

DEADLINE = 20.0
#: What every refusal of our own door says.
ERROR_FIELDS = {"code", "message", "field", "value", "remedy", "detail"}


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Wait for a condition, with a deadline; returns its value."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class GatewayProcess:
    """The gateway of a workspace, as the daemon would run it."""

    def __init__(self, place: Workspace, number: int = 0) -> None:
        self.place = place
        self.number = number
        self.tokens: list[dict[str, Any]] = []
        self.process: subprocess.Popen[bytes]
        self.port = 0
        self._serial = 0

    def start(self) -> None:
        command = [sys.executable, "-m", "jupyter_slml.processes.gateway", "--home", str(self.place.home)]
        self.process = subprocess.Popen([*command, "--number", str(self.number)], start_new_session=True)
        identity = until(self._identity, "the gateway's identity file")
        self.port = identity["port"]

    def _identity(self) -> dict[str, Any] | None:
        assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}"
        found = read_json(self.place.gateway_file(self.number))
        return found if found and found["pid"] == self.process.pid else None

    @property
    def socket(self) -> Path:
        return self.place.gateway_sockets(self.number + 1)[self.number]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(DEADLINE)

    @property
    def token(self) -> str:
        return self.place.token_file.read_text()

    def control(self, **request: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(DEADLINE)
            line.connect(str(self.socket))
            line.sendall(json.dumps({"hello": "control"}).encode() + b"\n" + json.dumps(request).encode() + b"\n")
            reader = line.makefile()
            assert json.loads(reader.readline()) == {"ok": True}
            answer: dict[str, Any] = json.loads(reader.readline())
            return answer

    def stats(self, endpoint: str = "churn") -> dict[str, Any]:
        found: dict[str, Any] = self.control(op="stats")["endpoints"][endpoint]
        return found

    def write_routes(self, **endpoints: dict[str, Any]) -> None:
        self._serial += 1
        path = self.place.gateway_dir / "routes.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps({"serial": self._serial, "tokens": self.tokens, "endpoints": endpoints}))
        temporary.replace(path)

    def route(self, **endpoints: dict[str, Any]) -> None:
        self.write_routes(**endpoints)
        assert self.control(op="reload") == {"serial": self._serial}

    # clients

    def request(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, parsed body, headers."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        with contextlib.closing(client):
            data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
            usual = {"Authorization": f"Bearer {self.token}"}
            if data is not None:
                usual["Content-Type"] = "application/json"
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            client.request(method or ("GET" if data is None else "POST"), path, data, {**usual, **given})
            answer = client.getresponse()
            raw = answer.read()
            parsed = json.loads(raw) if raw and "json" in answer.headers["Content-Type"] else raw or None
            return answer.status, parsed, answer.headers

    def predict(self, rows: Any, endpoint: str = "churn") -> Any:
        status, body, _ = self.request(f"/endpoints/{endpoint}/invocations", rows)
        assert status == 200, body
        return body["predictions"]

    def predict_raw(self, body: bytes) -> bytes:
        with self.connect() as client:
            client.send(self.head(len(body)) + body)
            status, _, answer = client.answer()
            assert status == 200, answer
            return answer

    def connect(self) -> RawClient:
        return RawClient(self.port)

    def head(self, length: int | None, path: str = "/endpoints/churn/invocations", extra: str = "") -> bytes:
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.token}", "Content-Type: application/json"]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


class RawClient:
    """A socket that speaks HTTP by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, bare: bool = False) -> tuple[int, dict[str, str], bytes]:
        status = int(self._reader.readline().split()[1])
        headers = {}
        while (line := self._reader.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        length = 0 if bare or status == 100 else int(headers["content-length"])
        return status, headers, self._reader.read(length)

    def ended(self) -> bool:
        """Whether the server closed the connection and sent nothing more."""
        return self._reader.read(1) == b""

    def reset(self) -> None:
        """Leave without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self._reader.close()
        self.socket.close()


class StandIn:
    """A replica without a model: answers a body with itself, when it is let."""

    def __init__(
        self,
        place: Workspace,
        name: str,
        revision: str = "r1",
        token: str = "t1",
        endpoint: str = "churn",
        *,
        standby: bool = False,
        gateways: int = 1,
    ) -> None:
        self.batches: list[list[bytes]] = []
        self.questions: list[frames.Question] = []
        #: What it answers; None: with the body itself.
        self.reply: frames.Reply | None = None
        self.let = threading.Event()
        self.let.set()
        self.attached = threading.Event()
        hello: dict[str, Any] = {"endpoint": endpoint, "revision": revision, "replica": name, "token": token}
        if standby:
            hello["standby"] = True
        for socket_ in place.gateway_sockets(gateways):
            link = DataLink([str(socket_)], hello, self._answer, self.attached.set)
            threading.Thread(target=link.run, daemon=True).start()

    def _answer(self, parts: list[bytes]) -> list[bytes]:
        if not parts:
            return []
        questions = [frames.read_question(part) for part in parts]
        self.questions += questions
        self.batches.append([question.body for question in questions])
        self.let.wait(DEADLINE)
        echo = frames.Reply(200, b"application/json", b"")
        return [frames.write_reply(self.reply or echo._replace(body=question.body)) for question in questions]


class OneShot:
    """A replica by hand: takes a frame, and then does what the test wants, dying included."""

    def __init__(self, place: Workspace, name: str, revision: str = "r1", token: str = "t1") -> None:
        self.line = socket.socket(socket.AF_UNIX)
        self.line.settimeout(DEADLINE)
        self.line.connect(str(place.gateway_socket))
        hello = {"hello": "replica", "endpoint": "churn", "revision": revision, "replica": name, "token": token}
        self.line.sendall(json.dumps(hello).encode() + b"\n")
        self._held = io.BytesIO()
        self.word = json.loads(self._line())
        self._splitter = frames.Splitter()

    def _line(self) -> bytes:
        found = b""
        while not found.endswith(b"\n"):
            found += self.line.recv(1)
        return found

    def take(self) -> list[bytes]:
        """The bodies of the next batch."""
        while True:
            data = self.line.recv(65536)
            assert data, "the gateway closed the line"
            for parts in self._splitter.feed(data):
                if parts:
                    return [frames.read_question(part).body for part in parts]
                self.line.sendall(frames.EMPTY)

    def answer(self, *bodies: bytes, status: int = 200) -> None:
        replies = [frames.write_reply(frames.Reply(status, b"application/json", body)) for body in bodies]
        self.line.sendall(frames.join(replies))

    def die(self) -> None:
        self.line.close()


@contextlib.contextmanager
def thread(target: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run `target` beside the test; its result is in the list when the block has ended."""
    results: list[Any] = []
    worker = threading.Thread(target=lambda: results.append(target()))
    worker.start()
    yield results
    worker.join(DEADLINE)
    assert results, "the other thread did not end"


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


class Served:
    """A gateway in this process."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway = gateway
        self.port = port

    def connect(self) -> RawClient:
        return RawClient(self.port)


@contextlib.contextmanager
def served_here(place: Workspace, limits: Limits, **endpoints: dict[str, Any]) -> Iterator[Served]:
    """A gateway in a thread of this process, with limits of its own; its token is `secret`."""
    routes = place.home / "routes.json"
    routes.write_text(json.dumps({"serial": 1, "endpoints": endpoints}))
    ready = threading.Event()
    found: list[Served] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        door = open_door("127.0.0.1", 0)
        gateway = Gateway(Plan(routes=routes, token="secret", limits=limits))
        found.append(Served(gateway, door.getsockname()[1]))
        await gateway.serve(door, open_back_door(place.gateway_socket), ready.set)

    worker = threading.Thread(target=lambda: uvloop.run(serve()))
    worker.start()
    assert ready.wait(DEADLINE)
    yield found[0]
    loops[0].call_soon_threadsafe(found[0].gateway.leave)
    worker.join(DEADLINE)
    assert not worker.is_alive()

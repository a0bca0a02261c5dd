"""A Jupyter server with our extension, and a daemon that records what it is asked."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - fixtures and hooks, for this folder alone
from tornado import httpserver, netutil, web

from jupyter_slml.settings import Workspace, workspace


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class RecordingDaemon:
    """Answers as told and remembers every request."""

    socket: Path
    asked: list[Asked] = field(default_factory=list)
    status: int = 200
    answer: Any = field(default_factory=dict)
    #: Chunks of an event stream; None: answer JSON.
    stream: list[str] | None = None
    #: Keep a stream open until the reader leaves; `left` is set when it does.
    hold: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)
    _server: httpserver.HTTPServer | None = None

    def start(self) -> None:
        application = web.Application([(r"/.*", _Record, {"daemon": self})])
        self._server = httpserver.HTTPServer(application)
        self._server.add_socket(netutil.bind_unix_socket(str(self.socket)))

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self.socket.unlink(missing_ok=True)
            self._server = None


class _Record(web.RequestHandler):
    def initialize(self, daemon: RecordingDaemon) -> None:
        self.daemon = daemon

    def check_xsrf_cookie(self) -> None:
        pass

    async def handle(self) -> None:
        request, daemon = self.request, self.daemon
        daemon.asked.append(
            Asked(
                request.method or "",
                request.path,
                {name: self.get_query_argument(name) for name in request.query_arguments},
                {name.lower(): value for name, value in request.headers.get_all()},
                request.body,
            )
        )
        self.set_status(daemon.status)
        self.set_header("Set-Cookie", "daemon=secret")
        if daemon.stream is None or "text/event-stream" not in request.headers.get("Accept", ""):
            self.set_header("Content-Type", "application/json")
            self.write(json.dumps(daemon.answer))
            return
        self.set_header("Content-Type", "text/event-stream")
        for chunk in daemon.stream:
            self.write(chunk)
            await self.flush()
        if daemon.hold:
            await daemon.left.wait()

    get = post = put = delete = handle

    def on_connection_close(self) -> None:
        self.daemon.left.set()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SLML_HOME", str(tmp_path / "slml"))
    place = workspace()
    place.prepare()
    return place


@pytest.fixture  # type: ignore[no-redef]
def jp_server_config(home: Workspace) -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_slml": True},
            # A handler that forgot `@web.authenticated` makes the server refuse it, and so fails the test.
            "allow_unauthenticated_access": False,
            # Not ours, and its websocket is refused by the line above.
            "terminals_enabled": False,
        }
    }


@pytest.fixture
def daemon(home: Workspace, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[RecordingDaemon]:
    async def make() -> RecordingDaemon:
        made = RecordingDaemon(home.daemon_socket)
        made.start()
        return made

    made = jp_asyncio_loop.run_until_complete(make())
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def ended_generators(jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A reader that leaves a stream half read leaves httpx's generators too. `asyncio.run` ends those before it closes its
    loop; pytest-jupyter's loop does not, and Python 3.13 complains of it."""
    yield
    gc.collect()
    # What the collector found is closed by tasks of the loop.
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0))
    jp_asyncio_loop.run_until_complete(jp_asyncio_loop.shutdown_asyncgens())

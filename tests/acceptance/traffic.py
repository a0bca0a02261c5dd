"""A small steady load on an endpoint, over raw sockets: every request counts, and every answer is checked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from jupyter_slml.settings import read_json

from .conftest import Site

#: Seconds that an answer may take.
PATIENCE = 45.0


class Caller:
    """One kept-open connection to the gateways' port."""

    def __init__(self, site: Site, endpoint: str) -> None:
        # No question to the daemon: it may be away.
        self._port = (read_json(site.place.gateway_file()) or {})["port"]
        token = site.place.token_file.read_text().strip()
        head = f"POST /endpoints/{endpoint}/invocations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        self._head = head + "Content-Type: application/json\r\n"
        self.socket: socket.socket | None = None
        self._reader: Any = None

    def connect(self) -> None:
        self.close()
        self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        self._reader = self.socket.makefile("rb")

    def close(self) -> None:
        if self.socket is not None:
            self._reader.close()
            self.socket.close()
            self.socket = None

    def ask(self, rows: Any) -> tuple[int, Any]:
        """Status and body. Raises OSError when the connection breaks before the answer is here."""
        if self.socket is None:
            self.connect()
        assert self.socket is not None
        body = json.dumps(rows).encode()
        self.socket.sendall(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        line = self._reader.readline()
        if not line:
            raise ConnectionResetError("closed before the answer")
        status = int(line.split()[1])
        length = 0
        while (header := self._reader.readline().strip()) != b"":
            name, _, value = header.partition(b": ")
            if name.lower() == b"content-length":
                length = int(value)
        return status, json.loads(self._reader.read(length))

    def gateway(self) -> int:
        """Pid of the gateway that has this connection."""
        assert self.socket is not None
        mine = self.socket.getsockname()[1]
        found = [one.pid for one in psutil.net_connections("tcp4") if one.raddr and one.raddr.port == mine and one.pid]
        return next(pid for pid in found if "gateway" in " ".join(psutil.Process(pid).cmdline()))


@dataclass
class Counts:
    """What came of the requests."""

    right: int = 0
    #: Answers other than the right one: status and body.
    wrong: list[tuple[int, Any]] = field(default_factory=list)
    #: Requests whose connection broke: the gateway that had it.
    broken: list[int] = field(default_factory=list)
    slowest: float = 0.0


@contextlib.contextmanager
def traffic(
    site: Site, endpoint: str, rows: Any, expected: Any, *, callers: int = 6, rate: float = 300.0
) -> Iterator[Counts]:
    """Ask all the time, `rate` times a second at most, while the block runs. `expected`: the predictions, or a list of such
    that are right."""
    right = expected if isinstance(expected[0], list) else [expected]
    counts, stop, lock = Counts(), threading.Event(), threading.Lock()

    def call(caller: Caller) -> None:
        gateway = 0
        while not stop.is_set():
            begun = time.monotonic()
            try:
                if caller.socket is None:
                    caller.connect()
                    gateway = caller.gateway()
                status, body = caller.ask(rows)
            except StopIteration:
                # The gateway went away between connecting and looking whose connection it is.
                caller.close()
                continue
            except ConnectionRefusedError:
                time.sleep(0.01)
                continue
            except OSError:
                with lock:
                    counts.broken.append(gateway)
                caller.close()
                continue
            with lock:
                counts.slowest = max(counts.slowest, time.monotonic() - begun)
                if status == 200 and body["predictions"] in right:
                    counts.right += 1
                else:
                    counts.wrong.append((status, body))
            stop.wait(max(0.0, callers / rate - (time.monotonic() - begun)))
        caller.close()

    threads = [threading.Thread(target=call, args=(Caller(site, endpoint),)) for _ in range(callers)]
    for one in threads:
        one.start()
    try:
        yield counts
    finally:
        stop.set()
        for one in threads:
            one.join(PATIENCE)

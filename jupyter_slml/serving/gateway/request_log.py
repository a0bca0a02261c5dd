"""The request log: one JSON object per line for requests that are recorded and for those that failed.

    {id, trace, at, endpoint, variant, model, version, replica, door, status, ms, bytes_in, bytes_out, inference_id,
     body, answer}

`body` and `answer` are there for recorded requests, without the columns that are hidden; see `redaction.py`. A thread writes
whole blocks; the loop only puts what it has onto a list.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from jupyter_slml.serving.gateway.doors import INFERENCE
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.redaction import readable
from jupyter_slml.settings import request_log

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.endpoint import Endpoint
    from jupyter_slml.serving.gateway.pool import Pool

log = logging.getLogger("slml.gateway")

#: Bytes of bodies and answers that wait for the thread; more are left out, and counted.
MOST_BYTES = 32 * 2**20
#: Lines about failures per block: a client that is wrong ten thousand times a second fills no disk.
MOST_FAILURES = 200
#: A file is renamed when it is so large, and so many old ones are kept.
LARGEST = 32 * 2**20
KEPT = 3


class Entry(NamedTuple):
    """What the loop puts down of one request."""

    exchange: Exchange
    endpoint: Endpoint
    pool: Pool | None
    at: float
    now: float
    status: int
    replica: str
    content_type: bytes
    answer: bytes


class RequestLog:
    """One per gateway. Without a directory nothing is kept."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._entries: list[Entry] = []
        self._bytes = 0
        self._failures = 0
        #: Requests that should have been recorded and were too many.
        self.dropped = 0
        self._blocks: SimpleQueue[list[Entry] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def note(
        self,
        endpoint: Endpoint,
        exchange: Exchange,
        now: float,
        status: int,
        replica: str,
        content_type: bytes,
        answer: bytes,
    ) -> None:
        """Called on the loop for a request that is recorded or failed."""
        if self._directory is None:
            return
        if exchange.recorded:
            self._bytes += len(exchange.body) + len(answer)
            if self._bytes > MOST_BYTES:
                self.dropped += 1
                return
        else:
            self._failures += 1
            if self._failures > MOST_FAILURES:
                self.dropped += 1
                return
        entry = Entry(exchange, endpoint, exchange.pool, time.time(), now, status, replica, content_type, answer)
        self._entries.append(entry)

    def flush(self) -> None:
        """Give what is there to the thread. Called by the gateway's clock."""
        if not self._entries:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="slml-requests", daemon=True)
            self._thread.start()
        self._blocks.put(self._entries)
        self._entries = []
        self._bytes = self._failures = 0

    def close(self) -> None:
        """Write what is left."""
        self.flush()
        if self._thread is not None:
            self._blocks.put(None)
            self._thread.join(5)

    def _write(self) -> None:
        assert self._directory is not None
        while (block := self._blocks.get()) is not None:
            files: dict[Path, list[bytes]] = {}
            for entry in block:
                files.setdefault(request_log(self._directory, entry.endpoint.name), []).append(_line(entry))
            for path, lines in files.items():
                try:
                    append(path, lines)
                except OSError as error:
                    log.warning("the request log %s cannot be written: %s", path, error)


def append(path: Path, lines: Iterable[bytes]) -> None:
    """Add lines to a file that only its owner may read; one that has become large makes place first. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST:
            _turn(path)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        file.write(b"".join(lines))


def _turn(path: Path) -> None:
    """Rename old files one further. Several gateways write the same file, so whoever comes second sees that it is done."""
    with (path.parent / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.stat().st_size <= LARGEST:
            return
        for number in range(KEPT - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(f"{path.name}.{number}").replace(path.with_name(f"{path.name}.{number + 1}"))
        path.replace(path.with_name(f"{path.name}.1"))


def _line(entry: Entry) -> bytes:
    exchange, pool, route = entry.exchange, entry.pool, entry.endpoint.route
    told: dict[str, Any] = {
        "id": exchange.id.decode(),
        "trace": exchange.trace.decode(),
        "at": round(entry.at, 6),
        "endpoint": entry.endpoint.name,
        "variant": None if pool is None else pool.variant,
        "model": None if pool is None else pool.route.model,
        "version": None if pool is None else pool.route.version,
        "replica": entry.replica or None,
        "door": exchange.door.name.decode(),
        "status": entry.status,
        "ms": round((entry.now - exchange.arrived) * 1000, 3),
        "bytes_in": len(exchange.body),
        "bytes_out": len(entry.answer),
    }
    inference = exchange.headers.get(INFERENCE)
    if inference is not None:
        told["inference_id"] = inference.decode("latin-1")
    if exchange.recorded:
        columns = (route.signature or {}).get("columns")
        names = [str(name) for name in columns] if isinstance(columns, list) else None
        kind = exchange.headers.get(b"content-type", b"").decode("latin-1")
        told["content_type"] = kind
        told["body"] = readable(exchange.body, kind, names, route.redact)
        # A refusal may quote a value of a column that is hidden.
        hidden = route.redact and entry.status >= 400
        told["answer"] = None if hidden else readable(entry.answer, entry.content_type.decode("latin-1"), None, ())
    return orjson.dumps(told, default=str) + b"\n"

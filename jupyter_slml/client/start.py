"""Finding the workspace's daemon, or starting it.

Any number of clients may come at once: a lock lets one of them look and start while the others wait, and the daemon's own
lock lets only one live. A newer package drains an older daemon and starts its own; an older package refuses to talk to a
newer one.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_slml import __version__
from jupyter_slml.domain.versions import order
from jupyter_slml.errors import SlmlError, Unavailable, VersionMismatch, from_wire
from jupyter_slml.settings import Workspace, read_json

#: Seconds that a daemon may take to answer after its start, or to leave.
START_TIMEOUT = 30.0
LEAVE_TIMEOUT = 30.0
_STEP = 0.01


def ensure_daemon(place: Workspace) -> Path:
    """Return the socket of a running daemon of this version, starting one when there is none. Blocks.

    Raises `VersionMismatch` when a newer daemon runs, `Unavailable` (or the daemon's own error) when it does not come up.
    """
    found = running(place)
    if found is not None and found.get("version") == __version__:
        return place.daemon_socket
    place.prepare()
    with _one_at_a_time(place):
        found = running(place)
        if found is not None:
            version = str(found.get("version"))
            if version == __version__:
                return place.daemon_socket
            if order(version) > order(__version__):
                raise VersionMismatch(
                    f"The daemon of this workspace is version {version}, this is jupyter-slml {__version__}.",
                    remedy=f"Upgrade (pip install -U jupyter-slml), or end it first with version {version}: "
                    "`jupyter slml stop`.",
                )
            leave(place, drain=True)
        _start(place)
    return place.daemon_socket


def running(place: Workspace) -> dict[str, Any] | None:
    """Who answers on the workspace's socket (its `daemon.json`); None when nobody does."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.settimeout(2)
        probe.connect(str(place.daemon_socket))
    except OSError:
        return None
    finally:
        probe.close()
    deadline = time.monotonic() + START_TIMEOUT
    # It listens before it has written who it is.
    while time.monotonic() < deadline:
        found = read_json(place.daemon_file)
        if found is not None:
            return found
        time.sleep(_STEP)
    return None


def leave(place: Workspace, *, drain: bool) -> None:
    """Ask the daemon to leave (with `drain`, alone) and wait until it has. Raises Unavailable when it stays."""
    found = read_json(place.daemon_file) or {}
    _post(place.daemon_socket, "/shutdown", {"drain": drain})
    deadline = time.monotonic() + LEAVE_TIMEOUT
    while time.monotonic() < deadline:
        if _unlocked(place):
            return
        time.sleep(_STEP)
    raise Unavailable(
        f"The daemon (pid {found.get('pid')}) did not leave within {LEAVE_TIMEOUT:.0f} s.",
        remedy=f"End it by hand: kill {found.get('pid')}. Jobs go on and are found again.",
    )


def _start(place: Workspace) -> None:
    # The environment of a kernel would tie the daemon to that kernel's life.
    private = ("JPY_", "PYTHONDONTWRITEBYTECODE")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(private)}
    errors = (place.logs / "daemon.err").open("w+b")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_slml.processes.daemon", "--home", str(place.home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
        cwd="/",
        env=environment,
    )
    deadline = time.monotonic() + START_TIMEOUT
    with errors:
        while time.monotonic() < deadline:
            if running(place) is not None:
                # It outlives us or we outlive it; in the second case somebody must reap it.
                threading.Thread(target=process.wait, name="slml-reaper", daemon=True).start()
                return
            if process.poll() is not None:
                raise _failure(errors.name, process.returncode)
            time.sleep(_STEP)
    process.kill()
    process.wait()
    raise Unavailable(
        f"The daemon did not answer within {START_TIMEOUT:.0f} s.",
        remedy=f"Its log: {place.logs / 'daemon.log'}. `jupyter slml doctor` looks for the cause.",
    )


def _failure(path: str, code: int) -> SlmlError:
    text = Path(path).read_text(encoding="utf-8", errors="replace").strip()
    with contextlib.suppress(ValueError, IndexError):
        return from_wire(json.loads(text.splitlines()[-1]))
    last = text.splitlines()[-1] if text else "it said nothing"
    return Unavailable(
        f"The daemon ended with exit status {code} while starting: {last}",
        remedy=f"The whole message: {path}. `jupyter slml doctor` looks for the cause.",
    )


@contextlib.contextmanager
def _one_at_a_time(place: Workspace) -> Iterator[None]:
    with (place.home / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unlocked(place: Workspace) -> bool:
    """Whether no daemon holds the workspace's lock."""
    try:
        with place.lock_file.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False


def _post(path: Path, address: str, body: dict[str, Any]) -> None:
    """One POST over the socket, without httpx: an older daemon must be reachable whatever changed in the client."""
    connection = http.client.HTTPConnection("slml")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(10)
        connection.sock.connect(str(path))
        connection.request("POST", address, json.dumps(body), {"Content-Type": "application/json"})
        connection.getresponse().read()
    except OSError as error:
        raise Unavailable(f"The daemon at {path} does not answer.") from error
    finally:
        connection.close()

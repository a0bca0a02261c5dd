"""The gateway's process: `python -m jupyter_slml.processes.gateway --home HOME`, started by the daemon in its own session.

It keeps its port: the one in the settings, else the one it had before, else one that is free now. Ends with status 0 when it
was asked to leave, 3 when the workspace has a gateway already, 4 when it cannot listen.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import logging
import os
import resource
import secrets
import signal
import socket
import sys
from pathlib import Path

import psutil
import uvloop

from jupyter_slml.errors import Unavailable
from jupyter_slml.serving.gateway.server import Gateway, open_back_door, open_door
from jupyter_slml.settings import Workspace, read_json, workspace, write_private

log = logging.getLogger("slml.gateway")

HOST = "127.0.0.1"
ALREADY_RUNNING = 3
CANNOT_LISTEN = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="Data directory of the workspace (default: SLML_HOME)")
    place = workspace(parser.parse_args().home)
    place.prepare()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    lock = os.open(place.gateway_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.error("The workspace %s has a gateway already.", place.home)
        sys.exit(ALREADY_RUNNING)
    _raise_open_files()
    try:
        door = _listen(place)
    except Unavailable as error:
        log.error("%s", error)
        sys.exit(CANNOT_LISTEN)
    uvloop.run(_serve(place, door))


async def _serve(place: Workspace, door: socket.socket) -> None:
    gateway = Gateway(place.gateway_dir / "routes.json", _token(place.token_file))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.leave)
    port = door.getsockname()[1]

    def ready() -> None:
        identity = {"port": port, "pid": os.getpid(), "started": psutil.Process().create_time()}
        write_private(_identity_file(place), json.dumps(identity))
        log.info("The gateway listens on http://%s:%d.", HOST, port)

    await gateway.serve(door, open_back_door(place.gateway_socket), ready)


def _listen(place: Workspace) -> socket.socket:
    """Take the workspace's port. Raises Unavailable when somebody else has it."""
    before = (read_json(_identity_file(place)) or {}).get("port")
    port = place.settings().gateway_port or (before if isinstance(before, int) else 0)
    try:
        return open_door(HOST, port)
    except OSError as error:
        raise Unavailable(
            f"The gateway cannot listen on {HOST}:{port}: {error.strerror or error}.",
            field="gateway_port",
            value=port,
            remedy="End the program that has the port, or choose another: jupyter slml config gateway_port=N",
        ) from error


def _identity_file(place: Workspace) -> Path:
    return place.gateway_dir / "gateway.json"


def _token(path: Path) -> str:
    """The workspace's bearer token; made on first use."""
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        found = ""
    if not found:
        found = secrets.token_urlsafe(32)
        write_private(path, found)
    return found


def _raise_open_files() -> None:
    """One descriptor per client: take as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()

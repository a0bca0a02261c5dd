"""A gateway's process: `python -m jupyter_slml.processes.gateway --home HOME [--number N]`, started by the daemon in its own
session.

The gateways of a workspace share a port: the one in the settings, else the one that they had before, else one that is free
now. Ends with status 0 when it was asked to leave, 3 when that gateway runs already, 4 when it cannot listen.
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
import ssl
import sys
from pathlib import Path

import psutil
import uvloop

from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.serving.gateway.server import Gateway, Plan, open_back_door, open_door
from jupyter_slml.settings import Settings, Workspace, read_json, workspace, write_private

log = logging.getLogger("slml.gateway")

ALREADY_RUNNING = 3
CANNOT_LISTEN = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="Data directory of the workspace (default: SLML_HOME)")
    parser.add_argument("--number", type=int, default=0, help="Which of the workspace's gateways this is, from 0")
    arguments = parser.parse_args()
    place, number = workspace(arguments.home), arguments.number
    place.prepare()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    lock = os.open(
        place.gateway_dir / ("lock" if number == 0 else f"lock-{number}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.error("The workspace %s has a gateway already.", place.home)
        sys.exit(ALREADY_RUNNING)
    _raise_open_files()
    try:
        settings = place.settings()
        tls = settings.tls()
        door = _listen(place, settings)
    except SlmlError as error:
        log.error("%s", error)
        known = read_json(place.gateway_file(number)) or {}
        write_private(place.gateway_file(number), json.dumps({"port": known.get("port"), "problem": str(error)}))
        sys.exit(CANNOT_LISTEN)
    uvloop.run(_serve(place, settings, number, door, tls))


async def _serve(place: Workspace, settings: Settings, number: int, door: socket.socket, tls: ssl.SSLContext | None) -> None:
    sockets = place.gateway_sockets(max(settings.gateways, number + 1))
    gateway = Gateway(
        Plan(
            routes=place.gateway_dir / "routes.json",
            token=_token(place.token_file),
            auth=settings.gateway_auth,
            number=number,
            siblings=tuple(path for index, path in enumerate(sockets) if index != number),
            runner=place.runner_socket,
            daemon=place.daemon_socket,
            wake_lock=place.gateway_dir / "wake.lock" if len(sockets) > 1 else None,
            log=place.requests,
        )
    )
    certificate = None if settings.gateway_certificate is None else _own(settings.gateway_certificate)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, gateway.leave)
    port = door.getsockname()[1]

    def ready() -> None:
        identity = {"pid": os.getpid(), "started": psutil.Process().create_time()}
        # Of the certificate itself and not its path: the file may be renewed while this process shows the old one.
        reached = {"port": port, "host": settings.gateway_reached, "certificate": certificate}
        write_private(place.gateway_file(number), json.dumps(identity | reached))
        log.info("Gateway %d listens on %s:%d.", number, settings.gateway_host, port)

    await gateway.serve(door, open_back_door(sockets[number]), ready, tls)


def _listen(place: Workspace, settings: Settings) -> socket.socket:
    """Take the workspace's port. Raises Unavailable when somebody else has it."""
    host = settings.gateway_host
    before = (read_json(place.gateway_file()) or {}).get("port")
    port = settings.gateway_port or (before if isinstance(before, int) else 0)
    try:
        return open_door(host, port, shared=settings.gateways > 1)
    except OSError as error:
        raise Unavailable(
            f"The gateway cannot listen on {host}:{port}: {error.strerror or error}.",
            field="gateway_port",
            value=port,
            remedy="End the program that has the port, or choose another: jupyter slml config gateway_port=N",
        ) from error


def _own(chain: Path) -> str:
    """The gateway's own certificate (PEM): the first of its chain."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = chain.read_text(encoding="ascii", errors="replace")
    return f"{begin}{text.partition(begin)[2].partition(end)[0]}{end}\n"


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

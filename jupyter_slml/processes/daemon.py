"""The daemon: the control plane of one workspace, alone by lock file.

    python -m jupyter_slml.processes.daemon [--home DIR]

It listens on a unix socket (0600, in a 0700 directory) and says so in `daemon.json`. Started by whoever needs it first; a
second one finds the lock taken and leaves. SIGTERM makes it leave alone, with everything it started going on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import logging.handlers
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

import uvicorn
from fastapi import FastAPI

from jupyter_slml import __version__
from jupyter_slml.compute.backend import DaskBackend
from jupyter_slml.control.autoscaling import Autoscaler
from jupyter_slml.control.batch import Batches
from jupyter_slml.control.bus import Bus
from jupyter_slml.control.cards import Cards
from jupyter_slml.control.consoles import Consoles
from jupyter_slml.control.endpoints import Endpoints
from jupyter_slml.control.following import Following
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.http.app import make_app
from jupyter_slml.control.http.services import Services
from jupyter_slml.control.jobs import Jobs
from jupyter_slml.control.limits import Limits
from jupyter_slml.control.loads import Loads
from jupyter_slml.control.measuring import Measuring
from jupyter_slml.control.models import Models
from jupyter_slml.control.reconcile import Reconciler
from jupyter_slml.control.results import Results
from jupyter_slml.control.retention import Retention
from jupyter_slml.control.tokens import Tokens
from jupyter_slml.control.transitions import Transitions
from jupyter_slml.control.tuning import Tuning
from jupyter_slml.control.waiting import Waiting
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.errors import SlmlError
from jupyter_slml.settings import Workspace, workspace, write_private
from jupyter_slml.storage.blobs import file_url, open_blobs
from jupyter_slml.storage.database import Database, sqlite_url

log = logging.getLogger("jupyter_slml.daemon")

#: Exit status when another daemon holds the lock.
ALREADY_RUNNING = 3


class Daemon:
    """Composes the parts and runs them until somebody asks it to leave."""

    def __init__(self, place: Workspace) -> None:
        self._place = place
        settings = place.settings()
        store = settings.store or file_url(place.blobs)
        blobs = open_blobs(store)
        self._database = Database(sqlite_url(place.database))
        self._compute = DaskBackend(place, settings, blobs)
        self._gateway = Gateway(place, settings)
        self._bus = Bus()
        catalogue = Catalogue.of_settings(settings.instances)
        limits = Limits(per_user=settings.user_limit)
        self._reconciler = Reconciler(
            self._database,
            self._compute,
            self._gateway,
            self._bus,
            store=store,
            catalogue=catalogue,
            limits=limits,
            is_local=settings.scheduler is None,
        )
        endpoints = Endpoints(self._database, self._compute, self._gateway, catalogue)
        self._consoles = Consoles(self._database, endpoints, self._gateway, self._bus, place.run)
        self._following = Following(endpoints, self._bus)
        loads = Loads(self._database, self._gateway, catalogue)
        self._measuring = Measuring(self._database, self._gateway, self._bus, loads)
        self._autoscaler = Autoscaler(self._database, self._gateway, self._compute, catalogue, self._reconciler, self._bus)
        tuning = Tuning(self._database, blobs)
        self._app = make_app(
            Services(
                workspace=place,
                database=self._database,
                blobs=blobs,
                compute=self._compute,
                gateway=self._gateway,
                bus=self._bus,
                reconciler=self._reconciler,
                catalogue=catalogue,
                jobs=Jobs(
                    self._database,
                    blobs,
                    self._compute,
                    catalogue,
                    Waiting(self._compute, catalogue, limits, self._database.clock),
                ),
                results=Results(self._database, blobs),
                tuning=tuning,
                batches=Batches(self._database, blobs),
                retention=Retention(self._database, blobs, tuning),
                models=Models(self._database, blobs),
                transitions=Transitions(self._database, place.settings),
                cards=Cards(self._database, blobs),
                endpoints=endpoints,
                consoles=self._consoles,
                loads=loads,
                measuring=self._measuring,
                tokens=Tokens(self._database),
                started_at=time.time(),
                leave=self._leave,
            )
        )
        self._app.router.lifespan_context = self._lifespan
        self._server = uvicorn.Server(uvicorn.Config(self._app, log_config=None, access_log=False, lifespan="on"))
        self._end_everything = False

    def run(self) -> None:
        """Serve until told to leave."""
        with _listen(self._place.daemon_socket) as listener:
            asyncio.run(self._server.serve(sockets=[listener]))

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        # The socket already accepts: the answer to a request may depend on the cluster, so the work starts beside it.
        work = asyncio.create_task(self._work())
        self._announce()
        try:
            yield
        finally:
            self._bus.close()
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            await self._close()

    async def _work(self) -> None:
        try:
            await self._compute.start(self._reconciler.observer)
        except SlmlError as error:
            # Requests are still answered; the status says what is wrong.
            log.error("The cluster did not start: %s", error)
        # The reconciler first: it has the others hear what is committed from then on.
        await asyncio.gather(
            self._reconciler.run(),
            self._following.run(),
            self._measuring.run(),
            self._autoscaler.run(),
            self._consoles.run(),
        )

    async def _close(self) -> None:
        if self._end_everything:
            await self._gateway.shut_down()
            await self._compute.shut_down()
        else:
            await self._gateway.close()
            await self._compute.close()
        self._database.close()
        self._place.daemon_file.unlink(missing_ok=True)

    def _leave(self, drain: bool) -> None:
        self._end_everything = not drain
        # Streams end first, since the server waits for open responses.
        self._bus.close()
        self._server.should_exit = True

    def _announce(self) -> None:
        write_private(
            self._place.daemon_file,
            json.dumps(
                {
                    "pid": os.getpid(),
                    "version": __version__,
                    "socket": str(self._place.daemon_socket),
                    "started_at": time.time(),
                }
            ),
        )


def _listen(path: Path) -> socket.socket:
    """The daemon's socket, private from its first moment."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(512)
    return listener


def _lock(path: Path) -> IO[str] | None:
    """The workspace's lock, held for as long as the file is open; None when another daemon has it."""
    file = path.open("a+", encoding="utf-8")
    path.chmod(0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=5_000_000, backupCount=2)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def main() -> int:
    parser = argparse.ArgumentParser(description="The daemon of one jupyter-slml workspace.")
    parser.add_argument("--home", help="Data directory of the workspace (default: SLML_HOME, or the user's own).")
    place = workspace(parser.parse_args().home)
    try:
        place.prepare()
        lock = _lock(place.lock_file)
        if lock is None:
            return ALREADY_RUNNING
        with lock:
            _log_to(place.logs / "daemon.log")
            Daemon(place).run()
    except SlmlError as error:
        # Whoever started the daemon reads this and shows it.
        sys.stderr.write(f"{json.dumps(error.to_wire())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

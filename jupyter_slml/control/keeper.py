"""One gateway process of a workspace: started, watched, asked.

It is a process of its own session, so that predictions go on while the daemon is away. Whoever finds it dead starts it again
on the same port; here a pidfd tells at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import psutil

from jupyter_slml.errors import Unavailable
from jupyter_slml.settings import Workspace, read_json, write_private

#: Seconds that a gateway may take to listen.
START_TIMEOUT = 20.0
#: Its answers name every endpoint.
LONGEST = 64 * 2**20


class Keeper:
    """Gateway number `number` of a workspace, counted from 0."""

    def __init__(self, workspace: Workspace, number: int, port: int) -> None:
        self._workspace, self._number, self._port = workspace, number, port
        self._identity = workspace.gateway_file(number)
        self._socket = workspace.gateway_sockets(number + 1)[number]
        self._wanted = False
        self._starting = asyncio.Lock()
        self._watched: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ensure(self) -> None:
        """Make sure that a gateway runs, and watch it from now on. Raises Unavailable when none comes up."""
        self._wanted = True
        async with self._starting:
            pid = self.pid()
            if pid is None:
                pid = await self._start()
            self._watch(pid)

    async def close(self) -> None:
        """Stop watching; the gateway goes on."""
        self._wanted = False
        self._unwatch()
        for task in list(self._tasks):
            task.cancel()

    async def shut_down(self) -> None:
        """End the gateway."""
        await self.close()
        pid = self.pid()
        if pid is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, 5)
            except psutil.TimeoutExpired:
                process.kill()

    async def _start(self) -> int:
        self._prepare_token()
        write_private(self._identity, json.dumps({"port": self._port}))
        log = self._workspace.logs / ("gateway.log" if self._number == 0 else f"gateway-{self._number}.log")
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyter_slml.processes.gateway",
                    "--home",
                    str(self._workspace.home),
                    "--number",
                    str(self._number),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
            )
        # It outlives us or we outlive it; in the second case somebody must reap it.
        threading.Thread(target=process.wait, name="slml-reaper", daemon=True).start()
        try:
            return await self._listening(process, log)
        except asyncio.CancelledError:
            # Nobody waits for it any more, and it has not said yet who it is: later nobody could find it.
            process.kill()
            raise

    async def _listening(self, process: subprocess.Popen[bytes], log: Path) -> int:
        """Wait until a started gateway has said that it listens; returns its pid. Raises Unavailable."""
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            if self.pid() == process.pid:
                return process.pid
            code = process.returncode
            if code is not None:
                # Another daemon may have started one in between; then that one is as good.
                if (pid := self.pid()) is not None:
                    return pid
                problem = self.problem or f"it ended with exit status {code}."
                raise Unavailable(f"The gateway does not start: {problem}", remedy=f"Its log: {log}")
            await asyncio.sleep(0.02)
        process.kill()
        raise Unavailable(f"The gateway did not listen within {START_TIMEOUT:.0f} s.", remedy=f"Its log: {log}")

    def _watch(self, pid: int) -> None:
        if self._watched is not None:
            return
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._spawn(self._revive())
            return
        self._watched = handle
        asyncio.get_running_loop().add_reader(handle, self._died)

    def _unwatch(self) -> None:
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            os.close(self._watched)
            self._watched = None

    def _died(self) -> None:
        self._unwatch()
        if self._wanted:
            self._spawn(self._revive())

    async def _revive(self) -> None:
        delay = 0.1
        while self._wanted:
            try:
                await self.ensure()
                return
            except Unavailable:
                await asyncio.sleep(delay)
                delay = min(delay * 2, 30)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, message: dict[str, Any], *, patience: float | None = 10.0) -> dict[str, Any]:
        """One question over the gateway's own socket. Raises Unavailable, also when it takes longer than `patience`."""
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_unix_connection(self._socket, limit=LONGEST)
                try:
                    writer.write(b'{"hello": "control"}\n' + json.dumps(message).encode() + b"\n")
                    greeting = await reader.readline()
                    answer = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise Unavailable("The gateway does not answer.", remedy="`jupyter slml doctor` says more.") from error
        if not greeting or not answer:
            raise Unavailable("The gateway closed the connection.")
        found: dict[str, Any] = json.loads(answer)
        return found

    @property
    def problem(self) -> str | None:
        """Why the gateway could not start, in its own words; None when it runs or was not tried."""
        found = (read_json(self._identity) or {}).get("problem")
        return None if found is None else str(found)

    def pid(self) -> int | None:
        """The running gateway's pid, checked against its start time so that a reused pid is not taken for it."""
        found = read_json(self._identity) or {}
        pid, started = found.get("pid"), found.get("started")
        if not isinstance(pid, int) or not isinstance(started, (int, float)):
            return None
        try:
            process = psutil.Process(pid)
            alive = abs(process.create_time() - started) < 2 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return pid if alive else None

    def _prepare_token(self) -> None:
        if not self._workspace.token_file.exists():
            write_private(self._workspace.token_file, secrets.token_urlsafe(32))

"""The runner's zygote: started, asked for children, started again when it has died."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_slml.compute import procfs
from jupyter_slml.compute.fork import Child, fork
from jupyter_slml.compute.gpus import VISIBLE, Gpus, present
from jupyter_slml.compute.zygote import ENVIRONMENT
from jupyter_slml.domain.orders import Limits
from jupyter_slml.errors import Unavailable

#: How long the imports may take, on a machine that has never compiled them.
READY_TIMEOUT = 120.0


class Zygotes:
    """One zygote at a time, at `run`/zygote-ID.sock, ID being the last part of the marker. Implements `supervisor.Fork`."""

    def __init__(self, run: Path, log: Path, marker: str, programs: Mapping[str, str] | None = None) -> None:
        self.socket = run / f"zygote-{marker.rpartition('/')[2]}.sock"
        self._log = log
        self.marker = marker
        self._programs = dict(programs or {})
        self.gpus = Gpus(present())
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._keepers: set[int] = set()
        self._watches: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process else None

    async def start(self) -> None:
        """Return when a zygote listens. Raises Unavailable with the end of its log when it cannot."""
        async with self._starting:
            if self.pid is not None:
                return
            with self._log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "jupyter_slml.processes.zygote",
                    str(self.socket),
                    *(word for pair in self._programs.items() for word in ("--program", "=".join(pair))),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env=self._environment(),
                )
            assert process.stdout is not None
            try:
                line = await asyncio.wait_for(process.stdout.readline(), READY_TIMEOUT)
                json.loads(line)
            except (TimeoutError, ValueError) as error:
                procfs.kill(process.pid)
                await process.wait()
                raise Unavailable(
                    f"The zygote did not start: {self._last_words()}",
                    remedy=f"See {self._log}; `jupyter slml doctor` checks the installation.",
                ) from error
            self._process = process

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, **ENVIRONMENT, procfs.MARKER: self.marker}
        # Without compiled modules every import costs three times as much.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    async def __call__(
        self,
        program: str,
        payload: Mapping[str, Any],
        limits: Limits,
        fds: Sequence[int],
        *,
        gate: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Child:
        granted = await self.gpus.take(limits.gpus)
        try:
            seen = {VISIBLE: ",".join(granted), **(env or {})}
            child = await self._fork(program, payload, fds, limits, gate=gate, env=seen, cwd=cwd)
        except BaseException:
            await self.gpus.give_back(granted)
            raise
        self._keepers.add(child.keeper)
        watch = asyncio.create_task(self._watch(child, granted), name=f"keeper-{child.keeper}")
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return child

    async def _fork(self, *request: Any, **more: Any) -> Child:
        if self.pid is None:
            await self.start()
        try:
            return await fork(self.socket, *request, **more)
        except Unavailable:
            if self.pid is not None:
                raise
            await self.start()
            return await fork(self.socket, *request, **more)

    async def _watch(self, child: Child, granted: list[str]) -> None:
        """Take the GPUs back at the end. Bury what a dead keeper left: we are the next subreaper above it."""
        ended = await child.wait()
        self._keepers.discard(child.keeper)
        if ended["reason"] == "lost":
            self._bury(child)
        await self.gpus.give_back(granted)

    def _bury(self, child: Child) -> None:
        ours = {*self._keepers, self.pid}
        # Direct children of ours are the zygote, keepers that outlived an earlier zygote, and orphans.
        orphans = [pid for pid in procfs.children(os.getpid()) if pid not in ours and procfs.marker(pid) == self.marker]
        for pid in [*orphans, *(below for orphan in orphans for below in procfs.descendants(orphan))]:
            procfs.kill(pid)
        for pid in (*orphans, child.keeper):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)

    async def close(self) -> None:
        """End the zygote. Keepers and children stay with their own connections."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            procfs.kill(process.pid)
            await process.wait()

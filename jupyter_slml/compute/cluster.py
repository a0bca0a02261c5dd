"""Our own Dask cluster: a scheduler and workers as processes of their own, which outlive the daemon.

They are recorded in `cluster_dir/cluster.json` with pid and start time, and found again by it. Everything is on loopback
and under TLS with a certificate made for each scheduler: Dask's wire is pickle, so whoever can speak to it can run code, and
other users of this host can reach loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dask.system import CPU_COUNT
from distributed.security import Security

from jupyter_slml import __version__
from jupyter_slml.compute import procfs
from jupyter_slml.compute.plugin import host_resources
from jupyter_slml.errors import Unavailable
from jupyter_slml.settings import Settings, Workspace, read_json, write_private

#: How long the scheduler may take until it listens.
START_TIMEOUT = 60.0
#: How long processes may take to end after SIGTERM.
END_TIMEOUT = 3.0

_ENVIRONMENT = {
    # Who retries is the daemon: a worker's death shall be an error at once and not a silent second run.
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
    "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]",
}


@dataclass(frozen=True)
class Known:
    """A process by pid and start time."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        return procfs.started(self.pid) == self.started


@dataclass
class Record:
    address: str
    scheduler: Known
    workers: list[Known] = field(default_factory=list)
    #: The package that these processes have loaded.
    version: str = __version__


class LocalCluster:
    """The cluster of one workspace. Only the daemon, of which there is one, starts or ends it."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._folder = workspace.cluster_dir
        self._logs = workspace.logs
        self._workers = settings.workers or 1
        self._file = self._folder / "cluster.json"

    @property
    def security(self) -> Security:
        key, certificate = str(self._folder / "key.pem"), str(self._folder / "certificate.pem")
        return Security(  # type: ignore[no-untyped-call]
            require_encryption=True,
            tls_ca_file=certificate,
            tls_client_key=key,
            tls_client_cert=certificate,
        )

    def record(self) -> Record | None:
        """Who is recorded, alive or not."""
        found: Any = read_json(self._file)
        try:
            return Record(
                found["address"], Known(**found["scheduler"]), [Known(**item) for item in found["workers"]], found["version"]
            )
        except (KeyError, TypeError):
            return None

    @property
    def healthy(self) -> bool:
        """Whether the scheduler lives and some worker process does (a nanny's restart is no matter of ours)."""
        record = self.record()
        return record is not None and record.scheduler.alive and any(worker.alive for worker in record.workers)

    async def ensure(self) -> str:
        """Find the cluster or start what is missing of it. Returns the scheduler's address. Raises Unavailable."""
        record = self.record()
        if record is None or not record.scheduler.alive or not record.address or record.version != __version__:
            if record is not None:
                # Those of another version cannot take our tasks; what they supervise goes on in the runner.
                # Workers of a dead scheduler wait for it for some seconds: too long beside new ones. A scheduler without an
                # address was being started by a daemon that died meanwhile.
                await _end([*record.workers, record.scheduler], signal.SIGKILL)
            record = await self._start_scheduler()
        if not any(worker.alive for worker in record.workers):
            record.workers = [self._start_workers(record.address)]
            self._save(record)
        return record.address

    async def end(self) -> None:
        """End scheduler and workers; the runner is somebody else's."""
        record = self.record()
        if record is not None:
            await _end([*record.workers, record.scheduler], signal.SIGTERM)
        self._file.unlink(missing_ok=True)

    def _save(self, record: Record) -> None:
        write_private(self._file, json.dumps(asdict(record)))

    async def _start_scheduler(self) -> Record:
        made = Security.temporary()  # type: ignore[no-untyped-call]
        write_private(self._folder / "key.pem", made.tls_scheduler_key)
        write_private(self._folder / "certificate.pem", made.tls_scheduler_cert)
        address_file = self._folder / "scheduler.json"
        address_file.unlink(missing_ok=True)
        log = self._logs / "scheduler.log"
        scheduler = self._spawn("dask_scheduler", log, "--port", "0", "--scheduler-file", str(address_file))
        # Recorded before it has an address, so that whoever comes next can end it if we do not live so long.
        self._save(Record("", scheduler))
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while (found := read_json(address_file)) is None:
                    if not scheduler.alive:
                        break
                    await asyncio.sleep(0.02)
        except TimeoutError:
            found = None
        if found is None:
            await _end([scheduler], signal.SIGKILL)
            raise Unavailable(f"The Dask scheduler did not start: {_last_line(log)}", remedy=f"See {log}.")
        record = Record(str(found["address"]), scheduler)
        self._save(record)
        return record

    def _start_workers(self, address: str) -> Known:
        resources = host_resources(self._workers)
        return self._spawn(
            "dask_worker",
            self._logs / "worker.log",
            address,
            *("--nworkers", str(self._workers)),
            *("--nthreads", str(max(1, CPU_COUNT // self._workers))),
            *("--memory-limit", "auto"),
            *("--resources", " ".join(f"{name}={value}" for name, value in resources.items())),
            *("--local-directory", str(self._folder / "scratch")),
            *("--death-timeout", "60"),
        )

    def _spawn(self, program: str, log: Path, *arguments: str) -> Known:
        key, certificate = self._folder / "key.pem", self._folder / "certificate.pem"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"distributed.cli.{program}",
                    *arguments,
                    *("--host", "127.0.0.1", "--protocol", "tls"),
                    # Without an address of its own, the health page listens to everybody.
                    *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
                    *("--tls-ca-file", str(certificate), "--tls-cert", str(certificate), "--tls-key", str(key)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                env={**os.environ, **_ENVIRONMENT},
            )
        threading.Thread(target=process.wait, name=f"{program}-reaper", daemon=True).start()
        return Known(process.pid, procfs.started(process.pid) or 0)


async def _end(processes: list[Known], number: int) -> None:
    """Signal whole sessions (a nanny and its workers), SIGKILL what is left after a while."""
    living = [item for item in processes if item.alive]
    for item in living:
        _signal(item.pid, number)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_TIMEOUT):
            while any(item.alive for item in living):
                await asyncio.sleep(0.02)
    for item in living:
        _signal(item.pid, signal.SIGKILL)


def _signal(session: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, number)


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines() if path.is_file() else []
    return lines[-1] if lines else "it said nothing"

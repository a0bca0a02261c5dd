"""The way to the runner of this host: find it, start it, ask it. For Dask workers, and for the daemon on its own host."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_slml import __version__
from jupyter_slml.errors import Unavailable
from jupyter_slml.settings import own_directory

#: How long a new runner may take until it listens (its imports, on a machine that has never compiled them).
START_TIMEOUT = 60.0
#: A message of the runner may be so long (an outcome with a long traceback).
LONGEST_MESSAGE = 64 * 2**20

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class RunnerPlace:
    """Where the runner of a workspace lives on any host: what the plugin carries to the workers."""

    workspace: str
    #: The daemon's run and data directories; another host uses them if it can, else a place below its temporary directory.
    run: str
    data: str
    store: str
    cache_gib: float = 20.0

    def directories(self) -> tuple[Path, Path]:
        """(run, data) on this host, existing and private. Raises Invalid when somebody else owns the place."""
        run = Path(self.run)
        if not (run.parent.is_dir() and os.access(run.parent, os.W_OK)):
            run = Path(tempfile.gettempdir()) / run.name
        data = Path(self.data)
        if not (data.parent.is_dir() and os.access(data.parent, os.W_OK)):
            data = run / "data"
        own_directory(run)
        own_directory(data)
        return run, data


async def connect(place: RunnerPlace) -> Streams:
    """Raises OSError when no runner listens."""
    run, _ = place.directories()
    return await asyncio.open_unix_connection(run / "runner.sock", limit=LONGEST_MESSAGE)


async def ensure(place: RunnerPlace) -> Streams:
    """Connect to the runner, starting it when there is none. Raises Unavailable with the end of its log."""
    run, data = place.directories()
    process: subprocess.Popen[bytes] | None = None
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        try:
            return await connect(place)
        except OSError:
            # The lock is held from before a runner's start to its end: one that is taken belongs to a runner that listens
            # soon, or that is leaving.
            if process is None or process.returncode == 0:
                process = _start(place, run, data)
            elif process.returncode is not None:
                break
        await asyncio.sleep(0.02)
    raise Unavailable(
        f"The runner did not start: {_last_line(data / 'runner.log')}",
        remedy=f"See {data / 'runner.log'} and {data / 'runner.err'}; is jupyter-slml {__version__} installed there?",
    )


def _start(place: RunnerPlace, run: Path, data: Path) -> subprocess.Popen[bytes] | None:
    """Start a runner that holds the host's lock from its first moment; None when another has it."""
    lock = os.open(run / "runner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (data / "runner.err").open("wb") as errors:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyter_slml.processes.runner",
                    *("--workspace", place.workspace, "--run", str(run), "--data", str(data)),
                    *("--store", place.store, "--cache-gib", str(place.cache_gib), "--lock", str(lock)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
                cwd="/",
                pass_fds=(lock,),
            )
    except BlockingIOError:
        return None
    finally:
        # The lock belongs to the open file, which the runner has inherited.
        os.close(lock)
    # Reaped when it ends, which may be long after this call; a zombie would look alive.
    threading.Thread(target=process.wait, name="slml-runner-reaper", daemon=True).start()
    return process


def _last_line(path: Path) -> str:
    errors = path.with_name("runner.err")
    for candidate in (errors, path):
        if candidate.is_file() and (text := candidate.read_text(errors="replace").strip()):
            return text.splitlines()[-1]
    return "it said nothing"


async def ask(place: RunnerPlace, request: dict[str, Any]) -> dict[str, Any] | None:
    """One request, one answer; None when no runner listens or it goes away. Never starts one."""
    try:
        reader, writer = await connect(place)
    except OSError:
        return None
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        line = await reader.readline()
        return json.loads(line) if line.endswith(b"\n") else None
    except (ConnectionError, ValueError):
        return None
    finally:
        writer.close()


async def end(place: RunnerPlace) -> None:
    """End this host's runner and all that it runs; returns when they are gone. No runner is no error."""
    run, _ = place.directories()
    while _held(run / "runner.lock"):
        try:
            reader, writer = await connect(place)
        except OSError:
            # It is starting, or leaving.
            await asyncio.sleep(0.02)
            continue
        try:
            writer.write(b'{"op": "exit"}\n')
            # Its answer, then the end of the connection with the end of the process.
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()


def _held(lock: Path) -> bool:
    """Whether a runner lives, by its lock."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False

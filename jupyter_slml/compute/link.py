"""The way to the runners of this host: find them, start one, ask them. For Dask workers, and for the daemon on its host."""

from __future__ import annotations

import asyncio
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
from jupyter_slml.compute import runners
from jupyter_slml.domain.versions import order
from jupyter_slml.errors import Unavailable, VersionMismatch
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
    return await _open(run / runners.SOCKET)


async def _open(path: Path) -> Streams:
    return await asyncio.open_unix_connection(path, limit=LONGEST_MESSAGE)


async def reach(place: RunnerPlace, order_id: str) -> Streams:
    """Connect to the runner that has the order: an older one, or else the present one, started when there is none.

    Raises Unavailable with the end of its log.
    """
    run, _ = place.directories()
    for path in runners.retired(run):
        if order_id in ((await ask_at(path, {"op": "list"})) or {}).get("orders", {}):
            try:
                return await _open(path)
            except OSError:
                continue
    return await ensure(place)


async def attach(place: RunnerPlace, *, worker: bool = False) -> Streams:
    """Connect to a runner of this version, greet it (`worker`: this connection says that a worker needs it), and read its
    answer. A runner of an older version is retired first.

    Raises Unavailable, and VersionMismatch when the runner is of a newer version.
    """
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        reader, writer = await ensure(place)
        writer.write(json.dumps({"op": "hello", "worker": worker}).encode() + b"\n")
        line = await reader.readline()
        version = str(json.loads(line)["version"]) if line.endswith(b"\n") else None
        if version == __version__:
            return reader, writer
        writer.close()
        if version is None:
            # It is leaving.
            await asyncio.sleep(0.02)
        elif order(version) > order(__version__):
            raise VersionMismatch(
                f"The runner of this host has jupyter-slml {version}, this is {__version__}.",
                remedy=f"Here: pip install jupyter-slml=={version}; or end everything with that version first: "
                "jupyter slml stop.",
            )
        else:
            await ask(place, {"op": "retire"})
    raise Unavailable("The runner went away while it was greeted.")


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
    try:
        lock = runners.hold(run / runners.LOCK)
    except BlockingIOError:
        return None
    try:
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
    """Put a question to all runners of this host; their answers as one. None when nobody answers. Never starts one."""
    run, _ = place.directories()
    paths = [run / runners.SOCKET]
    if request["op"] in ("stop", "replay", "list"):
        # What is about an order concerns the runners of older versions, too.
        paths += runners.retired(run)
    answers = [answer for path in paths if (answer := await ask_at(path, request)) is not None]
    return _joined(answers) if answers else None


def _joined(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """One answer of many: an order is known to one runner at most."""
    joined = dict(answers[0])
    for answer in answers[1:]:
        if "known" in answer:
            joined["known"] = joined["known"] or answer["known"]
        if "messages" in answer:
            joined["messages"] = joined["messages"] + answer["messages"]
        if "orders" in answer:
            joined["orders"] = answer["orders"] | joined["orders"]
    return joined


async def ask_at(path: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """One request to one runner, one answer; None when it does not listen or goes away."""
    try:
        reader, writer = await _open(path)
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
    """End this host's runners and all that they run; returns when they are gone. No runner is no error."""
    run, _ = place.directories()
    while runners.held(run / runners.LOCK) or runners.living(run):
        reached = [await _end_at(path) for path in (run / runners.SOCKET, *runners.retired(run))]
        if not any(reached):
            # One is starting, or leaving.
            await asyncio.sleep(0.02)


async def _end_at(path: Path) -> bool:
    try:
        reader, writer = await _open(path)
    except OSError:
        return False
    try:
        writer.write(b'{"op": "exit"}\n')
        # Its answer, then the end of the connection with the end of the process.
        await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return True

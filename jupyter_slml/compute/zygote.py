"""The zygote: imports everything, computes nothing, forks a keeper for every connection.

It accepts no connection itself, so that nobody can block it: the keeper that it holds ready does. It has one thread
(checked before it serves), for a lock that another thread holds would stay locked in every child.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_slml.compute.keeper import Keeper
from jupyter_slml.errors import Unavailable

#: What runs in a child: gets the payload and the messages fd, returns the exit code (None is 0).
Program = Callable[[dict[str, Any], int], int | None]

#: Exported before the zygote starts: libgomp, OpenBLAS and jemalloc read these once, when they are loaded. With one OpenMP
#: thread no pool can exist that a fork would break; waiting threads sleep instead of spinning.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
#: Taken out again after the imports, for children and what they exec get numbers of their own.
_TEMPORARY = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "JE_ARROW_MALLOC_CONF")

#: Seconds to wait after a keeper that died unasked.
RESPAWN = 0.1

#: Imported when they are installed.
MODULES = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "xgboost",
    "lightgbm",
    "cloudpickle",
    "matplotlib_inline.backend_inline",
    "skops.io",
    "threadpoolctl",
)


def threads() -> int:
    return sum(1 for _ in os.scandir("/proc/self/task"))


def load(programs: Mapping[str, str], modules: Sequence[str] = MODULES) -> dict[str, Program]:
    """Import the modules and the programs (`package.module:function`). A missing module is left out; a program must exist.

    A program's module may have a function `prepare`, called once here: what it builds, every child shares.
    """
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    loaded: dict[str, Program] = {}
    for key, target in programs.items():
        module_name, _, function = target.partition(":")
        module = importlib.import_module(module_name)
        if hasattr(module, "prepare"):
            module.prepare()
        loaded[key] = getattr(module, function)
    for name in _TEMPORARY:
        os.environ.pop(name, None)
    return loaded


def listen(path: Path) -> socket.socket:
    """A private unix socket at `path`, replacing what a dead process left there."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(256)
    return listener


def serve(path: Path, programs: Mapping[str, Program], ready: int, lifeline: int) -> None:
    """Hold a keeper ready for the next connection until `lifeline` reaches its end (the runner is gone).

    Writes one JSON line to `ready` when it listens. Raises Unavailable when it would not be safe to fork.
    """
    gc.collect()
    gc.freeze()
    if threads() != 1:
        raise Unavailable(
            f"The zygote has {threads()} threads, so forking it is not safe.",
            remedy="Look which imported library starts threads; see the runner's log.",
        )
    listener = listen(path)
    # Keepers end by themselves; ignoring SIGCHLD lets the kernel reap them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(ready, json.dumps({"pid": os.getpid(), "at": time.time()}).encode() + b"\n")
    os.close(ready)
    taken = _spare(listener, lifeline, programs)
    while True:
        readable, _, _ = select.select([taken, lifeline], [], [])
        if lifeline in readable and not os.read(lifeline, 1024):
            return
        if taken in readable:
            lived = os.read(taken, 1)
            os.close(taken)
            if not lived:
                time.sleep(RESPAWN)
            taken = _spare(listener, lifeline, programs)


def _spare(listener: socket.socket, lifeline: int, programs: Mapping[str, Program]) -> int:
    """Fork a keeper that takes the next connection. Returns the fd on which it says so; its end means that it died."""
    taken, say = os.pipe2(os.O_CLOEXEC)
    if os.fork() == 0:
        os.close(lifeline)
        os.close(taken)
        Keeper(listener, say, programs).run()
    os.close(say)
    return taken

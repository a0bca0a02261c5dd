"""What the benchmarks share: a fresh warm workspace, environments of peers, and how figures are printed."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import leave
from jupyter_slml.settings import HOME_VARIABLE, Workspace, workspace, write_private

#: What an ML cell imports; the floor of a job that starts a process of its own.
STACK = "import numpy, pandas, sklearn.ensemble, xgboost"


@contextmanager
def place(**settings: object) -> Iterator[tuple[Workspace, Client]]:
    """A fresh workspace with its daemon and these settings; everything of it is gone afterwards."""
    home = tempfile.mkdtemp(prefix="slml-bench-")
    os.environ[HOME_VARIABLE] = home
    found = workspace()
    write_private(found.settings_file, json.dumps(settings))
    client = connect()
    try:
        yield found, client
    finally:
        leave(found, drain=False)
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(found.run, ignore_errors=True)


@contextmanager
def folder(kept: str | None) -> Iterator[Path]:
    """`kept`, made if need be, or else a temporary directory."""
    if kept is not None:
        path = Path(kept).absolute()
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="slml-peers-") as made:
        yield Path(made)


def environment(path: Path, packages: Sequence[str]) -> Path:
    """A virtual environment with these packages; returns its Python. One that is complete already is taken as it is."""
    python, ready = path / "bin" / "python", path / "ready"
    if not ready.exists():
        print(f"(making {path.name}: {', '.join(packages)})", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(path)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        ready.touch()
    return python


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def inside(code: str) -> float:
    """Run code in a fresh interpreter; returns what it printed last."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=compiling())
    return float(done.stdout.split()[-1])


def compiling() -> dict[str, str]:
    """The environment for a process whose imports are measured: it keeps compiled modules, as a user's does."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def report(what: str, found: Sequence[float]) -> float:
    """Print median and minimum of seconds in milliseconds; returns the median in seconds."""
    middle = statistics.median(found)
    print(f"{what:<66} {middle * 1000:8.2f} ms  ({min(found) * 1000:.2f})  n={len(found)}", flush=True)
    return middle


def ratio(what: str, value: float, target: str = "") -> None:
    print(f"  {what:<64} {value:8.2f} x" + (f"   (target {target})" if target else ""), flush=True)

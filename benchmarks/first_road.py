"""The first road's figures on this machine, each beside its floor measured in the same run.

    python benchmarks/first_road.py [--runs 20]

Times are medians (minimum in brackets) of whole paths as a user has them: from the magic in a notebook shell, through
daemon, Dask, runner and zygote, to the first line of the cell; from the client's request to the endpoint's answer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import xgboost
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import leave
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.settings import HOME_VARIABLE, Workspace, workspace

#: What an ML cell imports; the floor of a job that starts a process of its own.
STACK = "import numpy, pandas, sklearn.ensemble, xgboost"
TRAIN = """
model = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 4}, xgboost.DMatrix(X, y), 20)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="Repetitions of the short measurements.")
    runs = parser.parse_args().runs
    cores = os.cpu_count()
    print(f"Python {sys.version.split()[0]}, xgboost {xgboost.__version__}, {cores} cores, load {os.getloadavg()[0]:.1f}\n")
    load_extension(max(3, runs // 4))
    with place() as (found, client):
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "jupyter_slml")
        jobs(shell, client, runs)
        serving(shell, client, found, runs)


@contextmanager
def place() -> Iterator[tuple[Workspace, Client]]:
    """A fresh workspace with everything warm."""
    home = tempfile.mkdtemp(prefix="slml-bench-")
    os.environ[HOME_VARIABLE] = home
    found = workspace()
    client = connect()
    try:
        yield found, client
    finally:
        leave(found, drain=False)
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(found.run, ignore_errors=True)


def load_extension(runs: int) -> None:
    """`%load_ext` in a fresh process that has IPython already, beside the bare import of its largest dependency."""
    head = (
        "import time; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); t = time.time(); "
    )
    tail = "; print(time.time() - t)"
    report(
        "%load_ext jupyter_slml", [_inside(f"{head}s.run_line_magic('load_ext', 'jupyter_slml'){tail}") for _ in range(runs)]
    )
    report(
        "  floor: import pydantic alone", [_inside(f"{head}import pydantic; pydantic.BaseModel{tail}") for _ in range(runs)]
    )


def jobs(shell: InteractiveShell, client: Client, runs: int) -> None:
    """Submit to first line, submit to result."""
    print()
    cell = f"{STACK}\nx = 1"
    begun = time.perf_counter()
    _train(shell, client, cell)
    report("first job of a workspace (daemon, Dask, runner, zygote start)", [time.perf_counter() - begun])
    first, result = [], []
    for _ in range(runs):
        begun_at, begun = time.time(), time.perf_counter()
        done = _train(shell, client, cell)
        first.append(done.outcome.first_line_at - begun_at)
        result.append(time.perf_counter() - begun)
    report("warm %%train to the first line, ML stack imported", first)
    report("warm %%train to its result, trivial cell", result)
    bare = [_seconds(lambda: _inside("print(0)")) for _ in range(max(3, runs // 4))]
    stack = [_seconds(lambda: _inside(f"{STACK}; print(0)")) for _ in range(3)]
    report("  floor: a bare subprocess, nothing imported", bare)
    report("  floor: a bare subprocess that imports the same", stack)
    ratio = statistics.median(stack) / statistics.median(first)
    print(f"  {'times faster than that subprocess, to the first line':<62} {ratio:8.0f} x")
    rng = np.random.default_rng(0)
    X = rng.random((20_000, 20), dtype=np.float32)
    y = (X[:, 0] + X[:, 1] > 1).astype(np.float32)
    shell.push({"X": X, "y": y, "xgboost": xgboost})
    _train(shell, client, TRAIN)
    small = [_seconds(lambda: _train(shell, client, TRAIN)) for _ in range(max(3, runs // 4))]
    report("%%train to the result of a small xgboost job (20k x 20, 20 rounds)", small)
    inside = [_seconds(lambda: exec(TRAIN, {"xgboost": xgboost, "X": X, "y": y})) for _ in range(max(3, runs // 4))]
    report("  floor: the same cell in this process", inside)


def serving(shell: InteractiveShell, client: Client, found: Workspace, runs: int) -> None:
    """Deploy, first and warm predictions."""
    print()
    _train(shell, client, TRAIN, "--name bench --output model --register bench")
    body = b"[[" + b",".join([b"0.5"] * 20) + b"]]"
    deploys, firsts = [], []
    for _ in range(3):
        begun = time.perf_counter()
        client.endpoints.deploy(DeploySpec(model="bench"), wait=60)
        deploys.append(time.perf_counter() - begun)
        firsts.append(_seconds(lambda: client.endpoints.invoke("bench", body, "application/json")))
    report("deploy: a new revision until it answers", deploys)
    phases = client.endpoints.get("bench").replicas[-1].phases
    print(f"  {'its replica by phase':<62} {', '.join(f'{name} {value:.0f} ms' for name, value in phases.items())}")
    report("first prediction of a new replica", firsts)
    warm = [_seconds(lambda: client.endpoints.invoke("bench", body, "application/json")) for _ in range(runs * 20)]
    report("warm prediction, one row, Python client", warm)
    model = client.jobs.get("bench").outcome.outputs[0]
    booster = xgboost.Booster({"nthread": 1})
    path = found.blobs / "cas" / "sha256" / model.digest[:2] / model.digest
    booster.load_model(bytearray(path.read_bytes()))
    row = np.full((1, 20), 0.5, dtype=np.float32)
    report(
        "  floor: inplace_predict in this process",
        [_seconds(lambda: booster.inplace_predict(row)) for _ in range(runs * 20)],
    )
    load = f"b = xgboost.Booster({{'nthread': 1}}); b.load_model(bytearray(Path({str(path)!r}).read_bytes()))"
    code = f"{STACK}; from pathlib import Path; {load}; print(b.inplace_predict(numpy.ones((1, 20)))[0])"
    report("  floor: a fresh process that loads the model and predicts", [_seconds(lambda: _inside(code)) for _ in range(3)])


def _train(shell: InteractiveShell, client: Client, cell: str, options: str = "--name bench-job"):
    job = shell.run_cell_magic("train", f"--no-wait {options}", cell)
    done = client.jobs.wait(job.id, timeout=120)
    assert done.state == "succeeded", done.reason
    return done


def _inside(code: str) -> float:
    """Run code in a fresh interpreter; returns what it printed last."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.split()[-1])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def report(what: str, seconds: list[float]) -> None:
    middle, least = statistics.median(seconds) * 1000, min(seconds) * 1000
    print(f"{what:<64} {middle:8.2f} ms  ({least:.2f})  n={len(seconds)}")


if __name__ == "__main__":
    main()

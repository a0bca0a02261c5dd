"""The first road's figures on this machine, each beside its floor measured in the same run.

    python benchmarks/first_road.py [--runs 20]

Times are medians (minimum in brackets) of whole paths as a user has them: from the magic in a notebook shell, through
daemon, Dask, runner and zygote, to the first line of the cell; from the client's request to the endpoint's answer.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np
import xgboost
from IPython.core.interactiveshell import InteractiveShell
from measure import STACK, inside, place, ratio, report, seconds

from jupyter_slml.client import Client
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.settings import Workspace

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


def load_extension(runs: int) -> None:
    """`%load_ext` in a fresh process that has IPython already, beside the bare import of its largest dependency."""
    head = (
        "import time; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); t = time.time(); "
    )
    tail = "; print(time.time() - t)"
    report(
        "%load_ext jupyter_slml", [inside(f"{head}s.run_line_magic('load_ext', 'jupyter_slml'){tail}") for _ in range(runs)]
    )
    report(
        "  floor: import pydantic alone", [inside(f"{head}import pydantic; pydantic.BaseModel{tail}") for _ in range(runs)]
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
    middle = report("warm %%train to the first line, ML stack imported", first)
    report("warm %%train to its result, trivial cell", result)
    bare = [seconds(lambda: inside("print(0)")) for _ in range(max(3, runs // 4))]
    stack = [seconds(lambda: inside(f"{STACK}; print(0)")) for _ in range(3)]
    report("  floor: a bare subprocess, nothing imported", bare)
    least = report("  floor: a bare subprocess that imports the same", stack)
    ratio("times faster than that subprocess, to the first line", least / middle)
    rng = np.random.default_rng(0)
    X = rng.random((20_000, 20), dtype=np.float32)
    y = (X[:, 0] + X[:, 1] > 1).astype(np.float32)
    shell.push({"X": X, "y": y, "xgboost": xgboost})
    _train(shell, client, TRAIN)
    small = [seconds(lambda: _train(shell, client, TRAIN)) for _ in range(max(3, runs // 4))]
    report("%%train to the result of a small xgboost job (20k x 20, 20 rounds)", small)
    same = [seconds(lambda: exec(TRAIN, {"xgboost": xgboost, "X": X, "y": y})) for _ in range(max(3, runs // 4))]
    report("  floor: the same cell in this process", same)


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
        firsts.append(seconds(lambda: client.endpoints.invoke("bench", body, "application/json")))
    report("deploy: a new revision until it answers", deploys)
    phases = client.endpoints.get("bench").replicas[-1].phases
    print(f"  {'its replica by phase':<62} {', '.join(f'{name} {value:.0f} ms' for name, value in phases.items())}")
    report("first prediction of a new replica", firsts)
    warm = [seconds(lambda: client.endpoints.invoke("bench", body, "application/json")) for _ in range(runs * 20)]
    report("warm prediction, one row, Python client", warm)
    model = client.jobs.get("bench").outcome.outputs[0]
    booster = xgboost.Booster({"nthread": 1})
    path = found.blobs / "cas" / "sha256" / model.digest[:2] / model.digest
    booster.load_model(bytearray(path.read_bytes()))
    row = np.full((1, 20), 0.5, dtype=np.float32)
    report(
        "  floor: inplace_predict in this process",
        [seconds(lambda: booster.inplace_predict(row)) for _ in range(runs * 20)],
    )
    load = f"b = xgboost.Booster({{'nthread': 1}}); b.load_model(bytearray(Path({str(path)!r}).read_bytes()))"
    code = f"{STACK}; from pathlib import Path; {load}; print(b.inplace_predict(numpy.ones((1, 20)))[0])"
    report("  floor: a fresh process that loads the model and predicts", [seconds(lambda: inside(code)) for _ in range(3)])


def _train(shell: InteractiveShell, client: Client, cell: str, options: str = "--name bench-job"):
    job = shell.run_cell_magic("train", f"--no-wait {options}", cell)
    done = client.jobs.wait(job.id, timeout=120)
    assert done.state == "succeeded", done.reason
    return done


if __name__ == "__main__":
    main()

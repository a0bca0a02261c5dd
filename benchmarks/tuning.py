"""Tuning beside its peers and its floor, all in one run on this machine.

    python benchmarks/tuning.py [--rows 24000 100000] [--trials 64] [--runs 3] [--peers DIR] [--seeds 3]

64 trials of xgboost on two cores: ours, isolated (a process per trial), plain Optuna with threads (not isolated), Optuna
on Dask with a task per trial, Ray Tune in an environment of its own (made in DIR and kept there, or in a temporary
directory). The limit is the processor time that the trainings themselves take, over two cores; on a busy machine the fourth
column, which other work does not lengthen, says more than the walls. Ours is timed twice: from the submit to the job's end,
and from the cell's first line. What a trial costs beyond its training is measured with trials that do nothing.
With `--seeds`: random search with and without pruning, the same configurations, by best score and compute.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import xgboost
from measure import environment, folder, place

from jupyter_slml.client import Client
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.views import TrialList

HERE = Path(__file__).parent / "peers"
CORES = 2
SPACE = (
    "max_depth=3..8",
    "eta=0.03..0.4:log",
    "min_child_weight=1.0..20.0:log",
    "subsample=0.6..1.0",
    "colsample_bytree=0.5..1.0",
)
#: The same as the peers do: the data are there, the matrix is built once, each trial trains.
SEARCH = """
import sys
sys.path.insert(0, {peers!r})
import numpy as np
from tuning_data import fit, matrices
arrays = [np.load(f"{folder}/{{name}}.npy", mmap_mode="c") for name in ("X", "y", "Xv", "yv")]
train, valid = matrices(*arrays)
params = dict(max_depth=max_depth, eta=eta, min_child_weight=min_child_weight, subsample=subsample,
              colsample_bytree=colsample_bytree)
loss, seconds = fit(params, train, valid)
slml.log(loss=loss, seconds=seconds)
"""
LONG = """
import sys
sys.path.insert(0, {peers!r})
import numpy as np, xgboost
from tuning_data import matrices
arrays = [np.load(f"{folder}/{{name}}.npy", mmap_mode="c") for name in ("X", "y", "Xv", "yv")]
train, valid = matrices(*arrays)
params = dict(max_depth=max_depth, eta=eta, min_child_weight=min_child_weight, subsample=subsample,
              colsample_bytree=colsample_bytree, objective="binary:logistic", eval_metric="logloss", max_bin=128, nthread=1)
model = xgboost.train(params, train, {rounds}, evals=[(valid, "val")], verbose_eval=False)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[24_000, 100_000])
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3, help="Repetitions; medians are printed.")
    parser.add_argument("--seeds", type=int, default=3, help="Seeds of the pruning comparison; 0 leaves it out.")
    parser.add_argument("--rounds", type=int, default=300, help="Boosting rounds of a trial that may be pruned.")
    parser.add_argument("--peers", metavar="DIR", help="Keep Ray's environment here.")
    parser.add_argument("--no-ray", action="store_true")
    asked = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, xgboost {xgboost.__version__}, optuna {optuna.__version__}, {load()}")
    with folder(asked.peers) as environments, place() as (_, client), folder(None) as files:
        overhead(client)
        for rows in asked.rows:
            search(client, rows, asked, environments, files)
        if asked.seeds:
            pruning(client, asked, files)
    print(load())


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def overhead(client: Client) -> None:
    """Trials that do nothing, one at a time: what a trial costs."""
    _, found = run(client, "slml.log(loss=x)", search=["x=0.0..1.0"], trials=100, sampler="random", parallel=1)
    wall = span(found) / len(found.trials)
    cpu = statistics.median(trial.cpu_seconds or 0.0 for trial in found.trials)
    print(
        f"\na trial that does nothing: {1000 * wall:.1f} ms from one to the next, {1000 * cpu:.1f} ms of them processor time"
    )


def search(client: Client, rows: int, asked: argparse.Namespace, environments: Path, files: Path) -> None:
    print(
        f"\n{asked.trials} trials on {rows:,} rows, {CORES} cores, {load()}; wall s, limit s, wall/limit,"
        " all processor time/training's, best log loss"
    )
    store(rows, files)
    ours: list[dict[str, float]] = []
    for _ in range(asked.runs):
        job, found = run(client, SEARCH.format(peers=str(HERE), folder=str(files)), search=list(SPACE), trials=asked.trials)
        cpu = sum(trial.metrics["seconds"] for trial in found.trials)
        best = min(trial.values["loss"] for trial in found.trials)
        ours.append({"wall": job.ended_at - job.created_at, "cpu": cpu, "best": best, "whole": job.outcome.cpu_seconds})
        ours[-1]["inner"] = max(trial.ended_at or 0.0 for trial in found.trials) - job.outcome.first_line_at
    row("jupyter-slml, submit to end", ours)
    row("  from the cell's first line", [{**item, "wall": item["inner"]} for item in ours])
    row("Optuna, 2 threads", [peer(sys.executable, "optuna_threads.py", rows, asked.trials) for _ in range(asked.runs)])
    row("Optuna on Dask", [peer(sys.executable, "optuna_dask.py", rows, asked.trials) for _ in range(asked.runs)])
    if not asked.no_ray:
        python = environment(environments / "ray-tune", ("ray[tune]", "xgboost", "scikit-learn"))
        row("Ray Tune", [peer(str(python), "ray_tune.py", rows, asked.trials) for _ in range(asked.runs)])


def store(rows: int, files: Path) -> None:
    import numpy as np

    sys.path.insert(0, str(HERE))
    from tuning_data import data

    for name, array in zip(("X", "y", "Xv", "yv"), data(rows), strict=True):
        np.save(files / f"{name}.npy", array)


def peer(python: str, script: str, rows: int, trials: int) -> dict[str, float]:
    done = subprocess.run([python, str(HERE / script), str(rows), str(trials)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def row(name: str, runs: list[dict[str, float]]) -> None:
    wall = statistics.median(item["wall"] for item in runs)
    limit = statistics.median(item["cpu"] for item in runs) / CORES
    over = statistics.median(item["wall"] / (item["cpu"] / CORES) for item in runs)
    best = min(item["best"] for item in runs)
    whole = [item["whole"] / item["cpu"] for item in runs if item.get("whole")]
    spent = f"{statistics.median(whole):>8.2f}" if whole else f"{'-':>8}"
    print(f"{name:<30}{wall:>8.2f}{limit:>8.2f}{over:>8.2f}{spent}{best:>10.5f}", flush=True)


def pruning(client: Client, asked: argparse.Namespace, files: Path) -> None:
    """Random search and the same with ASHA: the same configurations by seed."""
    rows, trials = 24_000, 32
    store(rows, files)
    cell = LONG.format(peers=str(HERE), folder=str(files), rounds=asked.rounds)
    print(f"\npruning: {trials} trials of {asked.rounds} rounds on {rows:,} rows, {load()}; best log loss, processor s")
    shares, differences = [], []
    for seed in range(asked.seeds):
        found = []
        for pruner in ("none", "asha:min_resource=20,reduction_factor=3"):
            _, study = run(
                client,
                cell,
                search=list(SPACE),
                trials=trials,
                sampler="random",
                seed=seed,
                pruner=pruner,
                metric="val-logloss",
            )
            done = [trial.values["val-logloss"] for trial in study.trials if trial.values]
            found.append((min(done), sum(trial.cpu_seconds or 0.0 for trial in study.trials)))
        (whole, all_of_it), (pruned, part) = found
        shares.append(part / all_of_it)
        differences.append(pruned - whole)
        print(
            f"  seed {seed}: random {whole:.5f} {all_of_it:7.1f}   pruned {pruned:.5f} {part:7.1f}  {part / all_of_it:.0%}"
        )
    print(f"  compute {statistics.mean(shares):.0%} of random search, best score {statistics.mean(differences):+.5f}")


def run(client: Client, source: str, metric: str = "loss", **tuning: Any) -> tuple[Any, TrialList]:
    spec = JobSpec.model_validate(
        {
            "source": source,
            "kind": "tuning",
            "name": "bench",
            "instance": "cpu.medium",
            "outputs": [],
            "autolog": metric != "loss",
            "tuning": {"minimize": [metric], "seed": 1, **tuning},
        }
    )
    job = client.jobs.submit(spec)
    while not (found := client.jobs.wait(job.id, timeout=60)).state.is_final:
        continue
    if found.state.value != "succeeded":
        raise RuntimeError(f"{found.state}: {found.outcome and found.outcome.message}")
    return found, client.jobs.trials(job.id)


def span(found: TrialList) -> float:
    return max(trial.ended_at or 0.0 for trial in found.trials) - min(trial.started_at or 0.0 for trial in found.trials)


if __name__ == "__main__":
    main()

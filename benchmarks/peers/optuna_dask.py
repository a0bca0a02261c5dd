"""Optuna by ask and tell, a Dask task per trial, two single-threaded workers that keep the matrix.
`python optuna_dask.py ROWS TRIALS`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import optuna
from distributed import Client, LocalCluster, as_completed
from tuning_data import data, fit, matrices, suggest

_kept: dict[int, object] = {}


def run(rows: int, arrays: object, params: dict[str, object]) -> tuple[float, float]:
    if rows not in _kept:
        _kept[rows] = matrices(*arrays)
    return fit(params, *_kept[rows])


def warm() -> None:
    """So that no import is timed."""


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows, count = int(sys.argv[1]), int(sys.argv[2])
    arrays = data(rows)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.upload_file(str(Path(__file__).with_name("tuning_data.py")))
        client.run(warm)
        begun = time.perf_counter()
        shared = client.scatter(arrays, broadcast=True)
        study = optuna.create_study()
        spent, asked = 0.0, 0
        trials = {}

        def submit() -> object:
            trial = study.ask()
            future = client.submit(run, rows, shared, suggest(trial), pure=False)
            trials[future.key] = trial
            return future

        # One more than there are workers, so that none waits for the next.
        running = as_completed([submit() for _ in range(min(3, count))])
        asked = min(3, count)
        for future in running:
            loss, seconds = future.result()
            spent += seconds
            study.tell(trials[future.key], loss)
            if asked < count:
                asked += 1
                running.add(submit())
        print(json.dumps({"wall": time.perf_counter() - begun, "cpu": spent, "best": study.best_value}))

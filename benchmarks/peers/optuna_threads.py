"""Plain Optuna: two threads, one shared matrix, nothing isolated. `python optuna_threads.py ROWS TRIALS`."""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import optuna
from tuning_data import data, fit, matrices, suggest

optuna.logging.set_verbosity(optuna.logging.ERROR)
arrays = data(int(sys.argv[1]))
spent: list[float] = []
begun, before = time.perf_counter(), time.process_time()
train, valid = matrices(*arrays)


def objective(trial: optuna.Trial) -> float:
    loss, seconds = fit(suggest(trial), train, valid)
    spent.append(seconds)
    return loss


study = optuna.create_study()
study.optimize(objective, n_trials=int(sys.argv[2]), n_jobs=2)
wall, whole = time.perf_counter() - begun, time.process_time() - before
print(json.dumps({"wall": wall, "cpu": sum(spent), "whole": whole, "best": study.best_value}))

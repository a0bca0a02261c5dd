"""Ray Tune with Optuna's search, two trials at once, actors kept. `python ray_tune.py ROWS TRIALS`."""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"

import ray
from ray import tune
from tuning_data import data, fit, matrices

_kept: dict[str, object] = {}


def objective(config: dict[str, object], arrays: object) -> dict[str, float]:
    if "matrices" not in _kept:
        _kept["matrices"] = matrices(*arrays)
    loss, seconds = fit(config, *_kept["matrices"])
    return {"loss": loss, "seconds": seconds}


if __name__ == "__main__":
    rows, count = int(sys.argv[1]), int(sys.argv[2])
    arrays = data(rows)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    begun = time.perf_counter()
    space = {
        "max_depth": tune.randint(3, 9),
        "eta": tune.loguniform(0.03, 0.4),
        "min_child_weight": tune.loguniform(1.0, 20.0),
        "subsample": tune.uniform(0.6, 1.0),
        "colsample_bytree": tune.uniform(0.5, 1.0),
    }
    tuner = tune.Tuner(
        tune.with_parameters(objective, arrays=arrays),
        param_space=space,
        tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=count, reuse_actors=True),
        run_config=tune.RunConfig(verbose=0),
    )
    found = tuner.fit()
    wall = time.perf_counter() - begun
    rows_of = found.get_dataframe()
    print(json.dumps({"wall": wall, "cpu": float(rows_of["seconds"].sum()), "best": float(rows_of["loss"].min())}))
    ray.shutdown()

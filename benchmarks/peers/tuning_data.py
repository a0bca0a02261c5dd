"""What every tuner tunes: the data, the matrices and one training. Imports numpy, scikit-learn and xgboost alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import xgboost
from sklearn.datasets import make_classification

ROUNDS = 40
COLUMNS = 20


def data(rows: int) -> tuple[Any, Any, Any, Any]:
    """Training rows, and a quarter of them for validation."""
    X, y = make_classification(rows + rows // 4, COLUMNS, n_informative=8, flip_y=0.15, class_sep=0.7, random_state=0)
    X = X.astype(np.float32)
    return X[:rows], y[:rows], X[rows:], y[rows:]


def matrices(X: Any, y: Any, Xv: Any, yv: Any) -> tuple[Any, Any]:
    train = xgboost.QuantileDMatrix(X, y, max_bin=128, nthread=1)
    return train, xgboost.QuantileDMatrix(Xv, yv, ref=train, max_bin=128, nthread=1)


def fit(params: dict[str, Any], train: Any, valid: Any, rounds: int = ROUNDS) -> tuple[float, float]:
    """The validation loss, and the seconds of processor time that the training took."""
    begun = time.thread_time()
    found: dict[str, Any] = {}
    fixed = {"objective": "binary:logistic", "eval_metric": "logloss", "max_bin": 128, "nthread": 1, "tree_method": "hist"}
    xgboost.train({**fixed, **params}, train, rounds, evals=[(valid, "val")], evals_result=found, verbose_eval=False)
    return found["val"]["logloss"][-1], time.thread_time() - begun


def suggest(trial: Any) -> dict[str, Any]:
    return {
        "max_depth": trial.suggest_int("max_depth", 3, 8),
        "eta": trial.suggest_float("eta", 0.03, 0.4, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 20.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.5, 1.0),
    }

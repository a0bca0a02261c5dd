"""What the cell's models saw in their training: ranges for their signatures, and the counts of their baselines."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np

from jupyter_slml.compute.autolog.samples import Sample
from jupyter_slml.domain.baselines import Counts, baseline
from jupyter_slml.domain.signatures import Signature, inputs, signature

#: Columns that are described; a model with more is described by its first ones.
MOST_COLUMNS = 2_000
#: Rows that are predicted, the seconds that this may take, and the rows with which that is found out.
PREDICTED = 10_000
SECONDS = 0.3
TRIED = 200


def describe(model: Any, sample: Sample | None) -> tuple[Signature | None, Counts | None]:
    """Signature and baseline of a model; without rows its signature alone."""
    found = signature(model)
    if found is None or sample is None:
        return found, None
    frame = sample.frame().iloc[:, :MOST_COLUMNS]
    described = inputs(frame.items())
    for item in described:
        if isinstance(item, dict) and item["name"] in sample.ends and "min" in item:
            item["min"], item["max"] = sample.ends[str(item["name"])]
    found = {**found, "inputs": described}
    return found, baseline(frame.items(), _predictions(model, sample.rows), sample.total)


def _predictions(model: Any, rows: Any) -> Any:
    """As they are served, for as many rows as there is time; None when the model does not predict its own training rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            begun = time.perf_counter()
            first = _predict(model, rows[:TRIED])
            taken = max(time.perf_counter() - begun, 1e-6)
            count = min(PREDICTED, int(SECONDS / taken * TRIED))
            return _predict(model, rows[:: max(1, len(rows) // count)][:count]) if len(rows) > TRIED < count else first
        except Exception:
            return None


def _predict(model: Any, rows: Any) -> Any:
    core = sys.modules.get("xgboost")
    if core is not None and isinstance(model, core.Booster):
        return np.asarray(model.inplace_predict(rows, missing=np.nan))
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(rows))
    found = model.predict_proba(rows)
    if isinstance(found, list):
        return None
    return found[:, 1] if found.ndim == 2 and found.shape[1] == 2 else found

"""A model as a function from rows to predictions."""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]

#: Batches smaller than this are computed by one thread: starting more costs milliseconds as soon as a core is busy.
MANY_ROWS = 10_000


class Predictor(Protocol):
    """One per model and thread.

    `predict` takes a C-contiguous matrix of `dtype` with NaN for what is missing and gives one prediction per row: the
    probability of the positive class, the probabilities of all classes, a value, or a label. With the dtype `frame` it takes
    a pandas DataFrame with the signature's columns in their order and kinds (text, categories, times, numbers). It may be
    a coroutine function.
    """

    dtype: str

    def predict(self, rows: Any) -> Any: ...


class Handler(Protocol):
    """Handlers that want each request as it came: the content type decides nothing before they do.

    `handle` may be a coroutine function; then the requests of a batch run at the same time. It gives the answer's body and
    content type. Raises SlmlError, ValueError or TypeError for a request at fault.
    """

    def handle(self, body: bytes, content_type: str, accept: str) -> Any: ...


def predictor(model: Any, signature: dict[str, Any] | None, threads: int) -> Predictor:
    """The fastest predictor for a model that `domain.formats` read."""
    module = type(model).__module__.partition(".")[0]
    if module == "xgboost":
        from jupyter_slml.serving.replica.xgb import XgboostPredictor

        return XgboostPredictor(model, threads)
    return EstimatorPredictor(model, signature)


class EstimatorPredictor:
    """Anything with scikit-learn's `predict`, and `predict_proba` where it has one."""

    dtype = "float64"

    def __init__(self, model: Any, signature: dict[str, Any] | None) -> None:
        self._model = model
        names = (signature or {}).get("columns")
        self._names = list(names) if names else None
        self._proba = hasattr(model, "predict_proba")
        # Worker threads or processes for a handful of rows cost more than the rows.
        with contextlib.suppress(Exception):
            parallel = [key for key in model.get_params(deep=True) if key.rpartition("__")[2] == "n_jobs"]
            model.set_params(**dict.fromkeys(parallel, 1))

    def predict(self, rows: Array) -> Array:
        table: Any = rows
        if self._names is not None:
            import pandas

            table = pandas.DataFrame(rows, columns=self._names, copy=False)
        if not self._proba:
            return np.asarray(self._model.predict(table))
        found = self._model.predict_proba(table)
        if isinstance(found, list):
            # One matrix per output: there is no single probability to give.
            return np.asarray(self._model.predict(table))
        return found[:, 1] if found.ndim == 2 and found.shape[1] == 2 else np.asarray(found)

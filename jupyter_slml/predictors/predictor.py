"""A model as a function from rows to predictions."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any, Protocol

import numpy as np

from jupyter_slml.domain.signatures import takes_frame
from jupyter_slml.errors import Invalid

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


def predictor(model: Any, signature: dict[str, Any] | None, threads: int) -> Predictor | Handler:
    """The fastest predictor for a model that `domain.formats` read. Raises Invalid for what cannot predict."""
    module = type(model).__module__.partition(".")[0]
    frames = takes_frame(signature)
    if module == "xgboost" and not frames:
        from jupyter_slml.predictors.xgb import XgboostPredictor

        return XgboostPredictor(model, threads)
    if module == "xgboost" and type(model).__name__ == "Booster":
        return FramePredictor(model.inplace_predict)
    if module == "lightgbm":
        from jupyter_slml.predictors.lgbm import LightgbmPredictor

        return LightgbmPredictor(model, frames, threads)
    if _is_torch(model):
        from jupyter_slml.predictors.networks import TorchPredictor

        return TorchPredictor(model, threads)
    if callable(getattr(model, "handle", None)):
        handler: Handler = model
        return handler
    if hasattr(model, "get_params") and callable(getattr(model, "predict", None)):
        return EstimatorPredictor(model, signature)
    if callable(getattr(model, "predict", None)):
        kind = AsyncPredictor if inspect.iscoroutinefunction(model.predict) else ObjectPredictor
        return kind(model, signature)
    raise Invalid(
        f"A {type(model).__name__} cannot predict: it has neither `predict(rows)` nor `handle(body, content_type, accept)`.",
        field="model",
        value=type(model).__name__,
        remedy="Give its class one of these methods, or register a directory with handlers.",
    )


def _is_torch(model: Any) -> bool:
    return any(kind.__module__ == "torch.nn.modules.module" for kind in type(model).__mro__)


class EstimatorPredictor:
    """Anything with scikit-learn's `predict`, and `predict_proba` where it has one."""

    def __init__(self, model: Any, signature: dict[str, Any] | None) -> None:
        self._model = model
        self.dtype = "frame" if takes_frame(signature) else "float64"
        names = (signature or {}).get("columns")
        self._names = list(names) if names else None
        self._proba = hasattr(model, "predict_proba")
        # Worker threads or processes for a handful of rows cost more than the rows.
        with contextlib.suppress(Exception):
            parallel = [key for key in model.get_params(deep=True) if key.rpartition("__")[2] == "n_jobs"]
            model.set_params(**dict.fromkeys(parallel, 1))

    def predict(self, rows: Any) -> Array:
        table: Any = rows
        if self._names is not None and self.dtype != "frame":
            import pandas

            table = pandas.DataFrame(rows, columns=self._names, copy=False)
        if not self._proba:
            return np.asarray(self._model.predict(table))
        found = self._model.predict_proba(table)
        if isinstance(found, list):
            # One matrix per output: there is no single probability to give.
            return np.asarray(self._model.predict(table))
        return positive(np.asarray(found))


class FramePredictor:
    """A function of a DataFrame."""

    dtype = "frame"

    def __init__(self, function: Any) -> None:
        self._function = function

    def predict(self, rows: Any) -> Array:
        return np.asarray(self._function(rows))


class ObjectPredictor:
    """An object of the user's own with `predict(rows)`.

    `rows` is a DataFrame when the training rows had names or texts, else a matrix.
    """

    def __init__(self, model: Any, signature: dict[str, Any] | None) -> None:
        named = bool((signature or {}).get("columns")) or takes_frame(signature)
        self.dtype = "frame" if named else "float64"
        self._model = model

    def predict(self, rows: Any) -> Any:
        return np.asarray(self._model.predict(rows))


class AsyncPredictor(ObjectPredictor):
    """The same with `async def predict`."""

    async def predict(self, rows: Any) -> Any:
        return np.asarray(await self._model.predict(rows))


def positive(probabilities: Array) -> Array:
    """Of the probabilities of two classes that of the second; those of more as they are."""
    return probabilities[:, 1] if probabilities.ndim == 2 and probabilities.shape[1] == 2 else probabilities

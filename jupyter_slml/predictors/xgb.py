"""xgboost at the speed of its C API.

`Booster.inplace_predict` makes a proxy matrix per call, and each new one reads the cgroup's files to count processors: about
0.2 ms. One proxy kept for the life of the model, called through the C API, gives the same bits without that. It rests on a
private name of the package, so it is looked up with care, compared with `inplace_predict` when the model is loaded, and
given up for it at the first difference.
"""

from __future__ import annotations

import ctypes
import json
import logging
from typing import Any

import numpy as np

from jupyter_slml.predictors.predictor import MANY_ROWS, Array

log = logging.getLogger("slml.replica")


class XgboostPredictor:
    """A Booster, or a model of xgboost's scikit-learn face, which predicts with its best iteration."""

    dtype = "float32"

    def __init__(self, model: Any, threads: int) -> None:
        import xgboost

        plain = isinstance(model, xgboost.Booster)
        self.booster = model if plain else model.get_booster()
        best = None if plain else self.booster.attr("best_iteration")
        self._last = 0 if best is None else int(best) + 1
        self._threads = threads
        self._using = 1
        self.booster.set_param({"nthread": 1})
        self._proxy = self._proven_proxy()

    def predict(self, rows: Array) -> Array:
        if self._threads > 1:
            self._spread(len(rows))
        found: Array
        if self._proxy is not None:
            found = self._proxy.predict(np.ascontiguousarray(rows, dtype=np.float32))
        else:
            found = self._in_place(rows)
        # A binary model of two columns gives the positive class, like every other binary model here.
        return found.reshape(len(rows)) if found.ndim == 2 and found.shape[1] == 1 else found

    def _in_place(self, rows: Array) -> Array:
        found: Array = self.booster.inplace_predict(rows, iteration_range=(0, self._last), missing=np.nan)
        return found

    def _spread(self, count: int) -> None:
        """Many threads for many rows, one for few."""
        wanted = self._threads if count >= MANY_ROWS else 1
        if wanted != self._using:
            # The zygote's OpenMP was loaded with one thread, which caps nthread unless it is raised in this thread.
            import threadpoolctl

            threadpoolctl.threadpool_limits(wanted, user_api="openmp")
            self.booster.set_param({"nthread": wanted})
            self._using = wanted

    def _proven_proxy(self) -> ReusedProxy | None:
        kinds = self.booster.feature_types or []
        if "c" in kinds:
            return None
        try:
            proxy = ReusedProxy(self.booster, self._last)
            noise = np.random.default_rng(0).normal(size=(5, self.booster.num_features())).astype(np.float32)
            noise[1] = 0
            noise[2, ::2] = np.nan
            for rows in (noise, noise[:1]):
                ours, theirs = proxy.predict(rows), self._in_place(rows)
                if ours.shape != theirs.shape or not np.array_equal(ours, theirs, equal_nan=True):
                    raise ArithmeticError(f"its answers differ from inplace_predict's ({ours.shape}, {theirs.shape})")
        except Exception as error:
            log.warning("xgboost's reused proxy is not used: %s", error)
            return None
        return proxy


def library() -> Any:
    """xgboost's loaded shared library: a private name of the package."""
    import xgboost

    return xgboost.core._LIB


class ReusedProxy:
    """One proxy matrix and one set of output variables. Raises RuntimeError where xgboost refuses."""

    def __init__(self, booster: Any, last_iteration: int) -> None:
        self._proxy = ctypes.c_void_p()
        #: Owns the handle, so it must live as long.
        self._booster = booster
        self._library = library()
        self._handle = booster.handle
        self._check(self._library.XGProxyDMatrixCreate(ctypes.byref(self._proxy)))
        self._shape = ctypes.POINTER(ctypes.c_uint64)()
        self._dim = ctypes.c_uint64()
        self._result = ctypes.POINTER(ctypes.c_float)()
        self._out = (ctypes.byref(self._shape), ctypes.byref(self._dim), ctypes.byref(self._result))
        self._options = json.dumps(
            {
                "type": 0,
                "training": False,
                "iteration_begin": 0,
                "iteration_end": last_iteration,
                "missing": float("nan"),
                "strict_shape": False,
                "cache_id": 0,
            }
        ).encode()

    def predict(self, rows: Array) -> Array:
        """`rows` is C-contiguous float32; the caller keeps it alive."""
        interface = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3,"strides":null}' % (
            rows.ctypes.data,
            *rows.shape,
        )
        self._check(self._library.XGBoosterPredictFromDense(self._handle, interface, self._options, self._proxy, *self._out))
        shape = tuple(self._shape[place] for place in range(self._dim.value))
        # The buffer is the booster's, and the next call overwrites it.
        return np.ctypeslib.as_array(self._result, shape).copy()

    def _check(self, status: int) -> None:
        if status != 0:
            message = self._library.XGBGetLastError
            message.restype = ctypes.c_char_p
            raise ValueError((message() or b"xgboost failed").decode(errors="replace"))

    def __del__(self) -> None:
        if self._proxy.value:
            self._library.XGDMatrixFree(self._proxy)

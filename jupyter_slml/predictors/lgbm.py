"""lightgbm: its booster, called with one thread for few rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from jupyter_slml.predictors.predictor import MANY_ROWS, Array


class LightgbmPredictor:
    """A Booster, or a model of lightgbm's scikit-learn face, which predicts with its best iteration."""

    def __init__(self, model: Any, frames: bool, threads: int) -> None:
        self.booster: Any = getattr(model, "booster_", model)
        # Categories are matched by their names, which only a frame has.
        self.dtype = "frame" if frames else "float64"
        self._threads = threads

    def predict(self, rows: Any) -> Array:
        threads = self._threads if len(rows) >= MANY_ROWS else 1
        if self.dtype == "frame":
            # It asks for the very dtypes of its training only where they are categories.
            return np.asarray(self.booster.predict(rows, num_threads=threads))
        return np.asarray(self.booster.predict(rows, num_threads=threads, validate_features=False))

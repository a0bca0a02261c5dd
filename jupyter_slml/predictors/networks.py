"""torch modules."""

from __future__ import annotations

from typing import Any

from jupyter_slml.predictors.predictor import Array


class TorchPredictor:
    """A module that maps a batch of rows to a tensor with a line per row; whatever it gives is the prediction."""

    dtype = "float32"

    def __init__(self, model: Any, threads: int) -> None:
        import torch

        self._torch = torch
        # One thread unless the type has more: starting others costs more than a handful of rows.
        torch.set_num_threads(threads)
        self._model = model.eval()
        kind = next((item.dtype for item in model.parameters()), torch.float32)
        self.dtype = {torch.float64: "float64"}.get(kind, "float32")
        self._kind = kind

    def predict(self, rows: Array) -> Array:
        torch = self._torch
        with torch.inference_mode():
            found = self._model(torch.from_numpy(rows).to(self._kind))
        if isinstance(found, (tuple, list)):
            found = found[0]
        answer: Array = found.float().numpy() if found.is_floating_point() else found.numpy()
        return answer.reshape(len(answer)) if answer.ndim == 2 and answer.shape[1] == 1 else answer

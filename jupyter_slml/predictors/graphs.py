"""ONNX through onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jupyter_slml.domain.formats.optional import required
from jupyter_slml.errors import Invalid
from jupyter_slml.predictors.predictor import Array, positive

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


class OnnxPredictor:
    """A graph with one matrix as its input, or with one input per column.

    Of a classifier's outputs (labels and probabilities) it gives the probabilities; of any other the first.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Raises MissingDependency, Invalid for a graph that onnxruntime does not run or whose inputs are no table."""
        runtime = required("onnxruntime", "an ONNX model")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # From bytes: a graph that names other files finds none.
        self.session = runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        self._inputs = [(item.name, _DTYPES.get(item.type), list(item.shape)) for item in self.session.get_inputs()]
        unknown = [name for name, dtype, _ in self._inputs if dtype is None]
        if unknown or not self._inputs:
            raise Invalid(f"The graph's input {(unknown or ['?'])[0]!r} is no tensor of numbers or text.", field="model")
        name, dtype, shape = self._inputs[0]
        single = len(self._inputs) == 1
        self._single = name if single else None
        self.dtype = "frame" if not single or dtype in ("object", "bool", None) else str(dtype)
        self._flat = single and len(shape) == 1
        self._output, self._classifies = self._chosen()

    def _chosen(self) -> tuple[str, bool]:
        outputs = self.session.get_outputs()
        if len(outputs) == 2:
            for item in outputs:
                if "probab" in item.name.lower() or item.type.startswith("seq(map"):
                    return item.name, True
            first, second = outputs
            if first.type in ("tensor(int64)", "tensor(string)") and second.type in ("tensor(float)", "tensor(double)"):
                return second.name, True
        return outputs[0].name, False

    def predict(self, rows: Any) -> Array:
        if self._single is not None:
            matrix = np.asarray(rows, dtype=object) if self.dtype == "frame" else rows
            feed = {self._single: matrix.reshape(-1) if self._flat else matrix}
        else:
            feed = {
                name: np.ascontiguousarray(rows[name].to_numpy(dtype=dtype)).reshape(len(rows), *([1] * (len(shape) - 1)))
                for name, dtype, shape in self._inputs
            }
        (found,) = self.session.run([self._output], feed)
        if isinstance(found, list):
            # One mapping from label to probability per row.
            found = np.array([list(item.values()) for item in found])
        answer = np.asarray(found)
        if self._classifies:
            return positive(answer)
        return answer.reshape(len(answer)) if answer.ndim == 2 and answer.shape[1] == 1 else answer

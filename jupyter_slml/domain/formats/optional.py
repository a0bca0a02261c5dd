"""Libraries that only some formats need."""

from __future__ import annotations

import importlib
from typing import Any

from jupyter_slml.errors import MissingDependency

#: Our extra that brings a library, where there is one.
_EXTRAS = {
    "lightgbm": "lightgbm",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxmltools": "onnx",
    "skl2onnx": "onnx",
    "torch": "torch",
}


def required(name: str, what: str) -> Any:
    """Import a library. Raises MissingDependency that says what needs it and how to install it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name:
            raise
        extra = _EXTRAS.get(name)
        line = f'pip install "jupyter-slml[{extra}]"' if extra else f"pip install {name}"
        raise MissingDependency(
            f"The package {name!r} is not installed here, and {what} needs it.",
            field="package",
            value=name,
            remedy=f"Install it where the model is used (the workers too): {line}",
        ) from None

"""SageMaker's handler functions: `model_fn`, `input_fn`, `predict_fn`, `output_fn`, or one `transform_fn`.

They get what SageMaker's containers give them (`managed-ml-contracts` 8.2 and 8.3): bodies as text for JSON and CSV and as
bytes else, an extra `context` where a function takes one more argument, defaults for all but `model_fn`. Apart from there,
arrays with pickled objects are refused, and a column of CSV is many rows and not one.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import orjson

from jupyter_slml.domain.formats import handlers
from jupyter_slml.errors import Invalid, NotAcceptable, UnsupportedType

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"

#: Arguments of each function without the context.
_ARGUMENTS = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}


def load_handlers(folder: Path) -> Any:
    """The `Handler` of a directory: runs its code and loads its model. Raises Invalid, and what the code raises."""
    path = handlers.program(folder)
    if path is None:
        raise Invalid(
            f"The directory has no handlers: {', '.join(handlers.PROGRAMS)} are looked for.",
            field="model",
            remedy="Define model_fn, or a class with load and predict, in one of them.",
        )
    # The code's own modules lie beside it, and files at the top.
    for entry in (folder, path.parent):
        sys.path.insert(0, str(entry))
    os.environ.setdefault("SM_MODEL_DIR", str(folder))
    if handlers.kind(path.read_text(encoding="utf-8", errors="replace")) == "class":
        from jupyter_slml.predictors.vertex import load_class

        return load_class(path, folder)
    module = run_file(path)
    later = any(inspect.iscoroutinefunction(getattr(module, name, None)) for name in _ARGUMENTS)
    return (AsyncFunctionHandler if later else FunctionHandler)(module, folder)


def run_file(path: Path) -> ModuleType:
    """The file as a module of its own name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class FunctionHandler:
    """Calls the functions one after the other."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self._functions: dict[str, Callable[..., Any]] = {
            name: _with_context(name, found) for name in _ARGUMENTS if callable(found := getattr(module, name, None))
        }
        if "transform_fn" in self._functions and self._functions.keys() & {"input_fn", "predict_fn", "output_fn"}:
            raise Invalid(
                "The handlers define transform_fn and one of input_fn, predict_fn, output_fn, whose place it takes.",
                field="model",
                remedy="Keep either transform_fn or the other three.",
            )
        self.model = self._functions["model_fn"](str(folder)) if "model_fn" in self._functions else None

    def handle(self, body: bytes, content_type: str, accept: str) -> Any:
        given, wanted = _decoded(body, content_type), _wanted(accept)
        if transform := self._functions.get("transform_fn"):
            return _encoded(transform(self.model, given, content_type, wanted), wanted)
        data = self._function("input_fn", read_input)(given, content_type)
        predictions = self._function("predict_fn", predict)(data, self.model)
        return _encoded(self._function("output_fn", write_output)(predictions, wanted), wanted)

    def _function(self, name: str, default: Callable[..., Any]) -> Callable[..., Any]:
        return self._functions.get(name, default)


class AsyncFunctionHandler(FunctionHandler):
    """The same where some of them are coroutine functions."""

    async def handle(self, body: bytes, content_type: str, accept: str) -> Any:
        given, wanted = _decoded(body, content_type), _wanted(accept)
        if transform := self._functions.get("transform_fn"):
            return _encoded(await _settled(transform(self.model, given, content_type, wanted)), wanted)
        data = await _settled(self._function("input_fn", read_input)(given, content_type))
        predictions = await _settled(self._function("predict_fn", predict)(data, self.model))
        return _encoded(await _settled(self._function("output_fn", write_output)(predictions, wanted)), wanted)


async def _settled(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


def _with_context(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes one argument more than its kind gets the context as the last one."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [item for item in inspect.signature(function).parameters.values() if item.kind in kinds]
    if len(taken) <= _ARGUMENTS[name]:
        return function
    context = SimpleNamespace(system_properties={"model_dir": os.environ.get("SM_MODEL_DIR", ""), "gpu_id": None})
    return lambda *arguments: function(*arguments, context)


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _decoded(body: bytes, content_type: str) -> bytes | str:
    """Text for what is text. Raises Invalid when it is not UTF-8."""
    if _kind(content_type) not in (JSON, CSV):
        return body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"The body is not UTF-8: {error}.", field="body") from error


def _wanted(accept: str) -> str:
    first = accept.split(",")[0].partition(";")[0].strip()
    return JSON if first in ("", "*/*") else first


def read_input(body: bytes | str, content_type: str) -> Any:
    """The default `input_fn`: a matrix of float32."""
    kind = _kind(content_type)
    if kind == JSON:
        rows = np.array(json.loads(body), dtype="float32")
        return rows.reshape(1, -1) if rows.ndim == 1 else rows
    if kind == CSV:
        return np.genfromtxt(io.StringIO(str(body)), dtype="float32", delimiter=",", ndmin=2)
    if kind == NPY and isinstance(body, bytes):
        return np.load(io.BytesIO(body), allow_pickle=False)
    raise UnsupportedType(
        f"Bodies of type {content_type[:100]!r} cannot be read.",
        field="Content-Type",
        value=content_type,
        remedy=f"Send {JSON}, {CSV} or {NPY}, or define input_fn.",
    )


def predict(data: Any, model: Any) -> Any:
    """The default `predict_fn`."""
    return model.predict(data)


def write_output(predictions: Any, accept: str) -> tuple[bytes, str]:
    """The default `output_fn`: a JSON list, a line of CSV per row, or an npy array."""
    kind = _kind(accept)
    array = np.asarray(predictions)
    if kind == JSON:
        return write_json(predictions), JSON
    if kind == CSV:
        lines = array.reshape(len(array), -1).tolist() if array.ndim else [[array.item()]]
        return "".join(",".join(map(str, line)) + "\n" for line in lines).encode(), CSV
    if kind == NPY:
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        return file.getvalue(), NPY
    raise NotAcceptable(
        f"Answers cannot be given as {accept[:100]!r}.",
        field="Accept",
        value=accept,
        remedy=f"Ask for {JSON}, {CSV} or {NPY}, or define output_fn.",
    )


def _encoded(found: Any, accept: str) -> tuple[bytes, str]:
    """What `output_fn` may give: a body, `(body, content type)`, a Response, or data, which becomes JSON."""
    kind = accept
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], str):
        found, kind = found
    elif hasattr(found, "response") and hasattr(found, "mimetype"):
        found, kind = found.response, found.mimetype or accept
    if isinstance(found, str):
        return found.encode(), kind
    if isinstance(found, (bytes, bytearray, memoryview)):
        return bytes(found), kind
    return write_json(found), JSON


def write_json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "to_dict"):
        return value.to_dict(orient="records") if hasattr(value, "columns") else value.to_dict()
    raise TypeError(f"an output of type {type(value).__name__} is no JSON")

"""Vertex's custom prediction routine: a class with `load`, `preprocess`, `predict` and `postprocess`.

Its base class and the one function that its templates import come from a package of cloud clients; where that is not
installed, stand-ins with the same names do what is needed here: the artifacts are a local directory.
"""

from __future__ import annotations

import inspect
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from jupyter_slml.errors import Invalid
from jupyter_slml.predictors.handlers import JSON, run_file, write_json

_HOOKS = ("preprocess", "predict", "postprocess")


class Predictor:
    """Stands in for `google.cloud.aiplatform.prediction.predictor.Predictor`."""

    def load(self, artifacts_uri: str, **kwargs: Any) -> None:
        raise NotImplementedError

    def preprocess(self, prediction_input: Any) -> Any:
        return prediction_input

    def predict(self, instances: Any) -> Any:
        raise NotImplementedError

    def postprocess(self, prediction_results: Any) -> Any:
        return prediction_results


def download_model_artifacts(artifacts_uri: str) -> None:
    """Stands in for `…aiplatform.utils.prediction_utils.download_model_artifacts`: into the working directory."""
    shutil.copytree(artifacts_uri, ".", dirs_exist_ok=True)


def load_class(path: Path, folder: Path) -> VertexHandler:
    """The handler of the one predictor class that `path` defines, loaded from `folder`. Raises Invalid."""
    _stand_in()
    module = run_file(path)
    kinds = [item for item in vars(module).values() if isinstance(item, type) and item.__module__ == module.__name__]
    kinds = [item for item in kinds if hasattr(item, "load") and hasattr(item, "predict")]
    if len(kinds) != 1:
        names = ", ".join(item.__name__ for item in kinds) or "none"
        raise Invalid(
            f"{path.name} must define one class with load and predict, and it defines {names}.",
            field="model",
            remedy="Keep one predictor class in the file.",
        )
    model = kinds[0]()
    model.load(str(folder))
    later = any(inspect.iscoroutinefunction(getattr(model, name, None)) for name in _HOOKS)
    return AsyncVertexHandler(model) if later else VertexHandler(model)


class VertexHandler:
    """JSON in (`{"instances": […]}`), JSON out."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._hooks = [hook for name in _HOOKS if (hook := getattr(model, name, None)) is not None]

    def handle(self, body: bytes, content_type: str, accept: str) -> Any:
        found = _read(body)
        for hook in self._hooks:
            found = hook(found)
        return write_json(found), JSON


class AsyncVertexHandler(VertexHandler):
    """The same where some of the methods are coroutine functions."""

    async def handle(self, body: bytes, content_type: str, accept: str) -> Any:
        found = _read(body)
        for hook in self._hooks:
            found = hook(found)
            found = await found if inspect.isawaitable(found) else found
        return write_json(found), JSON


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not valid JSON: {error}.", field="body", remedy='Send {"instances": […]}.') from error


def _stand_in() -> None:
    """Put the stand-ins where nothing is installed under their names."""
    try:
        import google.cloud.aiplatform  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        for name in (
            "google",
            "google.cloud",
            "google.cloud.aiplatform",
            "google.cloud.aiplatform.prediction",
            "google.cloud.aiplatform.prediction.predictor",
            "google.cloud.aiplatform.utils",
            "google.cloud.aiplatform.utils.prediction_utils",
        ):
            if name not in sys.modules:
                module = ModuleType(name)
                module.__path__ = []
                sys.modules[name] = module
                above, _, last = name.rpartition(".")
                if above:
                    setattr(sys.modules[above], last, module)
        sys.modules["google.cloud.aiplatform.prediction.predictor"].Predictor = Predictor  # type: ignore[attr-defined]
        tools: Any = sys.modules["google.cloud.aiplatform.utils.prediction_utils"]
        tools.download_model_artifacts = download_model_artifacts

"""From a stored model to what answers: the digest is checked, the format is read, its fastest predictor is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_slml.domain import formats
from jupyter_slml.errors import Invalid
from jupyter_slml.predictors.predictor import Handler, Predictor, predictor


def load(
    path: Path, digest: str, key: str, signature: dict[str, Any] | None, threads: int, allow_pickle: bool = False
) -> tuple[Any, Predictor | Handler]:
    """The model as consoles see it, and what answers with it.

    Runs code of the model's maker for the formats that have it; so never in the daemon. Raises IntegrityError for other
    bytes than were registered, Invalid for a pickle that nobody allowed, MissingDependency, and what the code raises.
    """
    formats.verify(path, digest)
    if key in formats.PICKLE_FORMATS and not allow_pickle:
        raise Invalid(
            "The model is stored as a pickle, which runs code when it is loaded, and the endpoint does not allow that.",
            field="allow_pickle",
            remedy="If you trust who made it: deploy it with --allow-pickle.",
        )
    if key == formats.ONNX.key:
        from jupyter_slml.predictors.graphs import OnnxPredictor

        found = OnnxPredictor(path, threads)
        return found.session, found
    model = formats.by_key(key).read(path)
    if key == formats.HANDLERS.key:
        from jupyter_slml.predictors.handlers import load_handlers

        handler = load_handlers(model)
        return handler.model, handler
    return model, predictor(model, signature, threads)

"""How values become bytes and come back.

Captured inputs and job outputs share these formats. Each has a writer that fills a binary file and a reader that takes the
path of the stored file, so that large arrays and frames are mapped and not copied. Data formats come first, and take a value
only when they give it back exactly; `cloudpickle` runs code when it is read (so do `torch` and whoever runs `handlers`: the
code that is stored with them) and is read in forked children only, and in the user's own kernel for outputs of its own jobs
(digest checked by the caller).

Heavy libraries are imported here only when a value of theirs is at hand.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jupyter_slml.domain.formats.arrays import NPY, SPARSE
from jupyter_slml.domain.formats.boosters import LIGHTGBM, XGBOOST
from jupyter_slml.domain.formats.estimators import SKOPS, SKOPS_TYPES
from jupyter_slml.domain.formats.format import Format, type_name
from jupyter_slml.domain.formats.frames import ARROW, SERIES
from jupyter_slml.domain.formats.graphs import ONNX
from jupyter_slml.domain.formats.handlers import HANDLERS
from jupyter_slml.domain.formats.networks import TORCH
from jupyter_slml.domain.formats.plain import CLOUDPICKLE, JSON
from jupyter_slml.domain.formats.plots import PLOTS
from jupyter_slml.domain.formats.tables import POLARS, TABLE
from jupyter_slml.errors import IntegrityError, Invalid

__all__ = [
    "CAPTURE_FORMATS",
    "CLOUDPICKLE",
    "HANDLERS",
    "JSON",
    "LIGHTGBM",
    "MODEL_FORMATS",
    "NPY",
    "ONNX",
    "OUTPUT_FORMATS",
    "PICKLE_FORMATS",
    "SKOPS",
    "SKOPS_TYPES",
    "TORCH",
    "XGBOOST",
    "Format",
    "by_key",
    "choose",
    "is_model",
    "type_name",
    "verify",
]

_DATA = (JSON, NPY, SPARSE, ARROW, SERIES, TABLE, POLARS)
#: What captured inputs may be stored as: exact round trips only (a model keeps all its Python attributes by pickle).
CAPTURE_FORMATS = (*_DATA, CLOUDPICKLE)
#: What outputs may be stored as, safe data formats first.
OUTPUT_FORMATS = (*_DATA, PLOTS, XGBOOST, LIGHTGBM, ONNX, TORCH, HANDLERS, SKOPS, CLOUDPICKLE)
#: What can be registered and served.
MODEL_FORMATS = (XGBOOST.key, SKOPS.key, LIGHTGBM.key, ONNX.key, TORCH.key, HANDLERS.key)
#: What can be, too, but only where somebody has allowed a pickle.
PICKLE_FORMATS = (CLOUDPICKLE.key,)

_BY_KEY = {item.key: item for item in OUTPUT_FORMATS}


def choose(value: Any, formats: tuple[Format, ...]) -> Format:
    """The first format that takes `value`; `cloudpickle`, last in both lists, takes anything."""
    return next(item for item in formats if item.accepts(value))


def is_model(key: str, allow_pickle: bool) -> bool:
    """Whether what is stored in this format can be registered and served."""
    return key in MODEL_FORMATS or (allow_pickle and key in PICKLE_FORMATS)


def verify(path: Path, digest: str) -> None:
    """Raise IntegrityError unless the file's bytes have this digest: what a disk or a person changed is never loaded."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise IntegrityError(
            f"The stored bytes of {digest[:12]}… have another digest: they were changed or cut off.",
            field="digest",
            value=digest,
            remedy="Register the model again, from the job that made it or from its file.",
        )


def by_key(key: str) -> Format:
    """Look up a format. Raises Invalid for an unknown key."""
    try:
        return _BY_KEY[key]
    except KeyError:
        raise Invalid(
            f"There is no format {key!r}.",
            field="format",
            value=key,
            remedy=f"Known: {', '.join(_BY_KEY)}.",
        ) from None

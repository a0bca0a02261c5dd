"""How values become bytes and come back.

Captured inputs and job outputs share these formats. Each has a writer that fills a binary file and a reader that takes the
path of the stored file, so that large arrays and frames are mapped and not copied. Data formats come first, and take a value
only when they give it back exactly; `cloudpickle` runs code when it is read and is read in two places only: the forked child
that runs a cell, and the user's own kernel for outputs of its own jobs (digest checked by the caller).

Heavy libraries are imported here only when a value of theirs is at hand.
"""

from __future__ import annotations

from typing import Any

from jupyter_slml.domain.formats.arrays import NPY, SPARSE
from jupyter_slml.domain.formats.format import Format, type_name
from jupyter_slml.domain.formats.frames import ARROW, SERIES
from jupyter_slml.domain.formats.models import SKOPS, SKOPS_TYPES, XGBOOST
from jupyter_slml.domain.formats.plain import CLOUDPICKLE, JSON
from jupyter_slml.domain.formats.tables import POLARS, TABLE
from jupyter_slml.errors import Invalid

__all__ = [
    "CAPTURE_FORMATS",
    "CLOUDPICKLE",
    "JSON",
    "MODEL_FORMATS",
    "NPY",
    "OUTPUT_FORMATS",
    "SKOPS",
    "SKOPS_TYPES",
    "XGBOOST",
    "Format",
    "by_key",
    "choose",
    "type_name",
]

_DATA = (JSON, NPY, SPARSE, ARROW, SERIES, TABLE, POLARS)
#: What captured inputs may be stored as: exact round trips only (a model keeps all its Python attributes by pickle).
CAPTURE_FORMATS = (*_DATA, CLOUDPICKLE)
#: What outputs may be stored as, safe data formats first.
OUTPUT_FORMATS = (*_DATA, XGBOOST, SKOPS, CLOUDPICKLE)
#: What can be served.
MODEL_FORMATS = (XGBOOST.key, SKOPS.key)

_BY_KEY = {item.key: item for item in OUTPUT_FORMATS}


def choose(value: Any, formats: tuple[Format, ...]) -> Format:
    """The first format that takes `value`; `cloudpickle`, last in both lists, takes anything."""
    return next(item for item in formats if item.accepts(value))


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

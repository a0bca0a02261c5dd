"""The environment in which a cell was written, to be compared with the workers'."""

from __future__ import annotations

import functools
import platform
from importlib import metadata

from jupyter_slml.domain.specs import Fingerprint

#: Packages whose versions decide whether values and models mean the same on both sides.
PACKAGES = (
    "cloudpickle",
    "dask",
    "ipython",
    "joblib",
    "jupyter-slml",
    "lightgbm",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
    "torch",
    "xgboost",
)


@functools.cache
def fingerprint() -> Fingerprint:
    """Python and the installed ones of `PACKAGES`; read once per kernel, without importing any of them."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Fingerprint(python=platform.python_version(), packages=found)

"""How values become bytes and come back.

Captured inputs and job outputs share these formats. Each has a writer that fills a binary file and a reader that takes the
path of the stored file, so that large arrays and frames are mapped and not copied. Data formats come first; `cloudpickle`
runs code when it is read and is read in two places only: the forked child that runs a cell, and the user's own kernel for
outputs of its own jobs (digest checked by the caller).

Heavy libraries are imported here only when a value of theirs is at hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.errors import Invalid


@dataclass(frozen=True)
class Format:
    """One way to store a value. `safe` formats run no code when they are read."""

    key: str
    safe: bool
    accepts: Callable[[Any], bool]
    write: Callable[[Any, BinaryIO], None]
    read: Callable[[Path], Any]


def type_name(value: object) -> str:
    """`pandas.DataFrame`, `function`, `int`: how a type is shown to people."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _loaded(module: str, name: str, value: object) -> bool:
    """Whether `value` is exactly an instance of `module.name`, without importing the module."""
    found = sys.modules.get(module)
    return found is not None and type(value) is getattr(found, name, None)


def _is_array(value: object) -> bool:
    return _loaded("numpy", "ndarray", value) and not value.dtype.hasobject  # type: ignore[attr-defined]


def _write_array(value: Any, file: BinaryIO) -> None:
    import numpy as np

    np.lib.format.write_array(file, value, allow_pickle=False)


def _read_array(path: Path) -> Any:
    import numpy as np

    # Mapped copy-on-write: the cell may write to its array, the stored bytes stay as they are. A plain ndarray is given
    # back, since code may ask for the exact type; an empty array cannot be mapped.
    try:
        return np.load(path, mmap_mode="c", allow_pickle=False).view(np.ndarray)
    except ValueError:
        return np.load(path, allow_pickle=False)


_ARROW_KINDS = frozenset("biufM")


def _is_frame(value: object) -> bool:
    """A pandas frame that Arrow gives back exactly: plain numeric, date, bool and string columns, unique string names."""
    if not _loaded("pandas", "DataFrame", value):
        return False
    frame: Any = value
    pandas = sys.modules["pandas"]
    if not all(type(name) is str for name in frame.columns) or not frame.columns.is_unique:
        return False
    if type(frame.index) is not pandas.RangeIndex or frame.attrs or frame.columns.name is not None:
        return False
    return all(
        (getattr(kind, "kind", "O") in _ARROW_KINDS and not hasattr(kind, "categories"))
        or isinstance(kind, pandas.StringDtype)
        for kind in frame.dtypes
    )


def _write_frame(value: Any, file: BinaryIO) -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(value, preserve_index=None)
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _read_frame(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all().to_pandas()


_JSON_TYPES = (str, int, float, bool, type(None))


def _is_json(value: object, depth: int = 4) -> bool:
    """Values that JSON gives back exactly: no tuples, no NaN, no keys but strings."""
    if type(value) in _JSON_TYPES:
        return not (type(value) is float and (value != value or value in (float("inf"), float("-inf"))))
    if depth == 0:
        return False
    if type(value) is list:
        return len(value) <= 10_000 and all(_is_json(item, depth - 1) for item in value)
    if type(value) is dict:
        return len(value) <= 10_000 and all(type(key) is str and _is_json(item, depth - 1) for key, item in value.items())
    return False


def _write_json(value: Any, file: BinaryIO) -> None:
    file.write(json.dumps(value, ensure_ascii=False).encode())


def _read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _is_xgboost(value: object) -> bool:
    core = sys.modules.get("xgboost")
    return core is not None and isinstance(value, (core.Booster, core.XGBModel))


def _write_xgboost(value: Any, file: BinaryIO) -> None:
    # xgboost's native UBJ. The scikit-learn face keeps its estimator type inside the model's attributes.
    import xgboost

    booster = value if isinstance(value, xgboost.Booster) else value.get_booster()
    if isinstance(value, xgboost.XGBModel):
        booster.set_attr(slml_estimator=type(value).__name__)
    file.write(booster.save_raw("ubj"))


def _read_xgboost(path: Path) -> Any:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(path.read_bytes()))
    estimator = booster.attr("slml_estimator")
    kind = getattr(xgboost, estimator, None) if estimator else None
    if kind is None or not issubclass(kind, xgboost.XGBModel):
        return booster
    model = kind()
    model.load_model(bytearray(path.read_bytes()))
    return model


#: The only types that skops may build beyond its own safe ones: what ordinary models are made of.
SKOPS_TYPES = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
    "xgboost.sklearn.XGBRanker",
)


def _is_sklearn(value: object) -> bool:
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(value, base.BaseEstimator)


def _write_sklearn(value: Any, file: BinaryIO) -> None:
    import skops.io

    file.write(skops.io.dumps(value))


def _read_sklearn(path: Path) -> Any:
    import skops.io

    untrusted = [name for name in skops.io.get_untrusted_types(file=path) if name not in SKOPS_TYPES]
    if untrusted:
        raise Invalid(
            f"The stored model contains types that are not allowed: {', '.join(untrusted[:5])}.",
            field="format",
            value="skops",
            remedy="Use estimators of scikit-learn or xgboost alone, or keep the custom steps outside the model.",
        )
    return skops.io.load(path, trusted=list(SKOPS_TYPES))


def _write_pickle(value: Any, file: BinaryIO) -> None:
    import cloudpickle

    cloudpickle.dump(value, file, protocol=5)


def _read_pickle(path: Path) -> Any:
    import cloudpickle

    with path.open("rb") as file:
        return cloudpickle.load(file)


NPY = Format("npy", True, _is_array, _write_array, _read_array)
ARROW = Format("arrow", True, _is_frame, _write_frame, _read_frame)
JSON = Format("json", True, _is_json, _write_json, _read_json)
XGBOOST = Format("xgboost-ubj", True, _is_xgboost, _write_xgboost, _read_xgboost)
SKOPS = Format("skops", True, _is_sklearn, _write_sklearn, _read_sklearn)
CLOUDPICKLE = Format("cloudpickle", False, lambda value: True, _write_pickle, _read_pickle)

#: What captured inputs may be stored as: exact round trips only (a model keeps all its Python attributes by pickle).
CAPTURE_FORMATS = (JSON, NPY, ARROW, CLOUDPICKLE)
#: What outputs may be stored as, safe data formats first.
OUTPUT_FORMATS = (JSON, NPY, ARROW, XGBOOST, SKOPS, CLOUDPICKLE)
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

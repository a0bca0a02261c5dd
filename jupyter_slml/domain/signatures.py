"""What a model takes and gives, read off the model itself and off the rows that it was trained with.

A signature is `{features, columns, types, classes, task, objective, inputs}`: how many columns and their names, the types
that the library itself keeps, the labels, `binary`, `multiclass`, `regression` or `other`, and for each column
`{name, dtype, min, max, nulls, categories}`. The dtype is one of numpy's numbers, `bool`, `string`, `category`,
`datetime` or `object`; ranges are those of the training rows; `nulls` counts missing values among them. A text column has
`values`, those that were seen, in place of categories.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue

from jupyter_slml.domain.formats.plain import is_json

#: More distinct texts than this are not shown.
MOST_TEXTS = 100

Signature = dict[str, JsonValue]


def signature(model: Any) -> Signature | None:
    """Describe a model by itself. None for what cannot predict."""
    for name, kind, describe in (
        ("xgboost", ("Booster", "XGBModel"), _xgboost),
        ("lightgbm", ("Booster", "LGBMModel"), _lightgbm),
        ("onnx", ("ModelProto",), _onnx),
        ("sklearn.base", ("BaseEstimator",), _sklearn),
    ):
        library = sys.modules.get(name)
        kinds = tuple(getattr(library, item) for item in kind if hasattr(library, item))
        if library is not None and isinstance(model, kinds):
            return describe(model, library)
    torch = sys.modules.get("torch.nn")
    if (torch is not None and isinstance(model, torch.Module)) or callable(getattr(model, "predict", None)):
        return _unknown()
    return None


def takes_frame(found: Signature | None) -> bool:
    """Whether the rows are more than numbers: then a model gets a DataFrame with the columns as they were in training."""
    inputs = (found or {}).get("inputs")
    kinds = [item.get("dtype") for item in inputs if isinstance(item, dict)] if isinstance(inputs, list) else []
    return any(kind in ("string", "category", "datetime", "object") for kind in kinds)


def inputs(columns: Iterable[tuple[str, Any]]) -> list[JsonValue]:
    """`{name, dtype, min, max, nulls, categories}` of each column (a pandas Series); keys that say nothing are left out."""
    return [{"name": name, **_column(values)} for name, values in columns]


def _column(values: Any) -> Signature:
    import pandas as pd

    missing = values.isna()
    found: Signature = {"dtype": dtype_name(values), "nulls": int(missing.sum())}
    if isinstance(values.dtype, pd.CategoricalDtype):
        labels = plain(values.cat.categories)
        return {**found, "categories": labels} if labels is not None and is_json(labels) else found
    present = values[~missing]
    if found["dtype"] == "string":
        distinct = sorted(set(present))
        # Not categories: a model may well take a text that it has not seen.
        return {**found, "values": list(distinct)} if len(distinct) <= MOST_TEXTS else found
    if found["dtype"] not in ("object", "datetime") and len(present):
        low, high = (_number(value) for value in (present.min(), present.max()))
        found |= {"min": low, "max": high}
    return found


def dtype_name(values: Any) -> str:
    """The word for a Series' dtype."""
    import pandas as pd

    types = pd.api.types
    if isinstance(values.dtype, pd.CategoricalDtype):
        return "category"
    if types.is_bool_dtype(values.dtype):
        return "bool"
    if types.is_numeric_dtype(values.dtype):
        return str(values.dtype).lower()
    if types.is_datetime64_any_dtype(values.dtype):
        return "datetime"
    return "string" if types.is_string_dtype(values.dropna()) else "object"


def _number(value: Any) -> float | int | None:
    """A bound as JSON has it: None for one that is infinite."""
    number = value.item() if hasattr(value, "item") else value
    return number if isinstance(number, int) or math.isfinite(number) else None


def _unknown() -> Signature:
    return {"features": None, "columns": None, "types": None, "classes": None, "task": "other"}


def _xgboost(model: Any, core: Any) -> Signature:
    import json

    booster = model if isinstance(model, core.Booster) else model.get_booster()
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["learner_train_param"]["objective"]
    classes = int(learner["learner_model_param"]["num_class"])
    labels = plain(getattr(model, "classes_", None)) if hasattr(model, "n_classes_") else None
    if objective.startswith("binary:") or objective == "reg:logistic":
        task = "binary"
    elif objective.startswith("multi:"):
        task = "multiclass"
    else:
        task = "regression" if objective.startswith(("reg:", "count:", "survival:")) else "other"
    return {
        "features": booster.num_features(),
        "columns": list(booster.feature_names) if booster.feature_names else None,
        "types": list(booster.feature_types) if booster.feature_types else None,
        "classes": labels or (list(range(classes)) if classes > 1 else [0, 1] if task == "binary" else None),
        "objective": objective,
        "task": task,
    }


#: Objectives of lightgbm whose prediction is a value.
_VALUES = frozenset(
    ("regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"),
)


def _lightgbm(model: Any, core: Any) -> Signature:
    booster = model if isinstance(model, core.Booster) else model.booster_
    head = booster.model_to_string(num_iteration=1).partition("\nTree=")[0]
    about = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    objective = about.get("objective", "").partition(" ")[0]
    count = int(about.get("num_class", "1"))
    names = [str(name) for name in booster.feature_name()]
    labels = plain(getattr(model, "_classes", None))
    task = {"binary": "binary", "multiclass": "multiclass", "multiclassova": "multiclass"}.get(
        objective, "regression" if objective in _VALUES else "other"
    )
    unnamed = all(name == f"Column_{place}" for place, name in enumerate(names))
    return {
        "features": len(names),
        "columns": None if unnamed else list(names),
        "types": None,
        "classes": labels or (list(range(count)) if count > 1 else [0, 1] if task == "binary" else None),
        "objective": objective or None,
        "task": task,
    }


def _onnx(model: Any, core: Any) -> Signature:
    taken = {item.name for item in model.graph.initializer}
    found = [item for item in model.graph.input if item.name not in taken]
    shapes = [[axis.dim_value for axis in item.type.tensor_type.shape.dim] for item in found]
    labels: list[JsonValue] | None = None
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_int64s", "classlabels_ints", "classlabels_strings"):
                labels = [*attribute.ints, *(text.decode() for text in attribute.strings)]
    regressor = any(node.op_type.endswith("Regressor") for node in model.graph.node)
    columns: list[JsonValue] | None = None
    features: int | None = None
    dtypes: list[JsonValue] | None = None
    if len(found) == 1 and len(shapes[0]) == 2:
        features = shapes[0][1] or None
    elif found and all(len(shape) == 2 and shape[1] == 1 for shape in shapes):
        # One input per column.
        columns, features = [item.name for item in found], len(found)
        dtypes = [_onnx_type(item.type.tensor_type.elem_type, core) for item in found]
    answer: Signature = {
        "features": features,
        "columns": columns,
        "types": None,
        "classes": labels,
        "task": ("binary" if len(labels) == 2 else "multiclass") if labels else "regression" if regressor else "other",
    }
    if columns is not None and dtypes is not None:
        answer["inputs"] = [{"name": name, "dtype": kind} for name, kind in zip(columns, dtypes, strict=True)]
    return answer


def _onnx_type(number: int, core: Any) -> str:
    name: str = core.TensorProto.DataType.Name(number).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _sklearn(model: Any, base: Any) -> Signature:
    labels = plain(getattr(model, "classes_", None))
    names = plain(getattr(model, "feature_names_in_", None))
    if base.is_classifier(model):
        task = "binary" if labels is not None and len(labels) == 2 else "multiclass"
    else:
        task = "regression" if base.is_regressor(model) else "other"
    features = getattr(model, "n_features_in_", None)
    return {
        "features": None if features is None else int(features),
        "columns": names,
        "types": None,
        "classes": labels,
        "task": task,
    }


def plain(values: Any) -> list[JsonValue] | None:
    """A vector of labels as JSON values; None when there is none or it is too long to show."""
    if values is None or getattr(values, "ndim", 1) != 1 or len(values) > 10_000:
        return None
    return [value.item() if hasattr(value, "item") else value for value in values]

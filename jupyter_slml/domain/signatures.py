"""What a model takes and gives, read off the model itself."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import JsonValue


def signature(model: Any) -> dict[str, JsonValue] | None:
    """Describe an xgboost or scikit-learn model.

    Returns `{"features": n, "columns": [...] | None, "types": [...] | None, "classes": [...] | None, "task": ...}` with task
    `binary`, `multiclass`, `regression` or `other`; None for anything that is not such a model.
    """
    core = sys.modules.get("xgboost")
    if core is not None and isinstance(model, (core.Booster, core.XGBModel)):
        return _xgboost(model, core)
    base = sys.modules.get("sklearn.base")
    if base is not None and isinstance(model, base.BaseEstimator):
        return _sklearn(model, base)
    return None


def _xgboost(model: Any, core: Any) -> dict[str, JsonValue]:
    import json

    booster = model if isinstance(model, core.Booster) else model.get_booster()
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["learner_train_param"]["objective"]
    classes = int(learner["learner_model_param"]["num_class"])
    labels = _plain(getattr(model, "classes_", None)) if hasattr(model, "n_classes_") else None
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


def _sklearn(model: Any, base: Any) -> dict[str, JsonValue]:
    labels = _plain(getattr(model, "classes_", None))
    names = _plain(getattr(model, "feature_names_in_", None))
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


def _plain(values: Any) -> list[JsonValue] | None:
    """A numpy vector of labels as JSON values; None when there is none or it is too long to show."""
    if values is None or getattr(values, "ndim", 1) != 1 or len(values) > 10_000:
        return None
    return [value.item() if hasattr(value, "item") else value for value in values]

"""xgboost's and lightgbm's own formats, with the scikit-learn face of a model beside them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format
from jupyter_slml.domain.formats.optional import required
from jupyter_slml.domain.formats.plain import is_json


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


#: A line of ours in lightgbm's text, where lightgbm reads over it: the scikit-learn face as JSON.
_FACE = "slml_estimator:"
_LAST = "pandas_categorical:"


def _is_lightgbm(value: object) -> bool:
    core = sys.modules.get("lightgbm")
    return core is not None and isinstance(value, (core.Booster, getattr(core, "LGBMModel", core.Booster)))


def _write_lightgbm(value: Any, file: BinaryIO) -> None:
    """Text that every lightgbm reads. Raises TypeError for a model with functions of its own (an objective)."""
    import lightgbm

    if isinstance(value, lightgbm.Booster):
        file.write(value.model_to_string(num_iteration=-1).encode())
        return
    parameters = {name: item for name, item in value.get_params().items() if name != "random_state" or is_json(item)}
    labels = getattr(value, "_classes", None)
    about = {
        "kind": type(value).__name__,
        "parameters": parameters,
        "classes": None if labels is None else labels.tolist(),
        "dtype": None if labels is None else labels.dtype.str,
        "columns": [str(name) for name in value.feature_name_],
        "features": int(value.n_features_in_),
        "best_iteration": int(value.best_iteration_ or 0),
        "objective": value.objective_,
        "named": bool(getattr(value, "_fitted_with_feature_names", False)),
    }
    if not is_json(about) or getattr(lightgbm, str(about["kind"]), None) is not type(value):
        raise TypeError(f"a {type(value).__name__} with parts that are no data")
    text = value.booster_.model_to_string(num_iteration=-1)
    place = text.rindex(_LAST)
    file.write(f"{text[:place]}{_FACE}{json.dumps(about)}\n{text[place:]}".encode())


def _read_lightgbm(path: Path) -> Any:
    lightgbm = required("lightgbm", "a lightgbm model")
    text = path.read_text(encoding="utf-8")
    booster = lightgbm.Booster(model_str=text)
    start = text.rfind(f"\n{_FACE}")
    if start < 0:
        return booster
    about = json.loads(text[start + 1 + len(_FACE) :].partition("\n")[0])
    try:
        return _dressed(lightgbm, booster, about)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Private names moved, or the line is not ours: the trees are the model.
        return booster


def _dressed(lightgbm: Any, booster: Any, about: dict[str, Any]) -> Any:
    """The estimator around its booster, as its `fit` leaves it."""
    kind = getattr(lightgbm, about["kind"])
    if not issubclass(kind, lightgbm.LGBMModel):
        raise TypeError(about["kind"])
    model = kind(**about["parameters"])
    model._Booster = booster
    model.fitted_ = True
    model._n_features = model._n_features_in = about["features"]
    model._best_iteration = about["best_iteration"]
    model._objective = about["objective"]
    model._fitted_with_feature_names = about["named"]
    model._evals_result, model._best_score = {}, {}
    if about["classes"] is not None:
        import numpy as np
        from sklearn.preprocessing import LabelEncoder

        labels = np.array(about["classes"], dtype=np.dtype(about["dtype"]))
        model._le = LabelEncoder().fit(labels)
        model._classes, model._n_classes = model._le.classes_, len(labels)
        model._class_map = dict(zip(model._le.classes_, range(len(labels)), strict=True))
    if about["best_iteration"]:
        booster.best_iteration = about["best_iteration"]
    return model


XGBOOST = Format("xgboost-ubj", True, _is_xgboost, _write_xgboost, _read_xgboost)
LIGHTGBM = Format("lightgbm", True, _is_lightgbm, _write_lightgbm, _read_lightgbm)

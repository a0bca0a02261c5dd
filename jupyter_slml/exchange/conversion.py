"""Models as ONNX, compared with what they were before they are given away. Runs in the child alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jupyter_slml.domain import formats
from jupyter_slml.domain.formats.optional import required
from jupyter_slml.errors import Invalid

#: What every runtime of the last years reads.
OPSET = 15
#: Rows that are compared, and how far single precision may lead them apart.
ROWS = 200
TOLERANCE = 1e-3


def convert(order: dict[str, Any]) -> dict[str, Any]:
    """Write the model at `path` (stored in `format`) to `out` as ONNX. Returns `{difference}`, the largest that was seen.

    Raises MissingDependency, and Invalid for a model that ONNX does not express or that predicts otherwise afterwards.
    """
    required("onnxruntime", "comparing the ONNX model with its source")
    key, described = order["kind"], order["signature"] or {}
    path, out = Path(order["path"]), Path(order["out"])
    model = formats.by_key(key).read(path)
    rows = _rows(described)
    try:
        graph = _graph(model, key, described, rows)
    except SyntaxError:
        raise
    except Exception as error:
        if isinstance(error, Invalid) or type(error).__name__ == "MissingDependency":
            raise
        first = (str(error).strip().splitlines() or [""])[0][:300]
        raise Invalid(
            f"The model cannot be expressed as ONNX: {type(error).__name__}: {first}",
            field="--to",
            value="onnx",
            remedy="Export it as mlflow or dir.",
        ) from error
    out.write_bytes(graph.SerializeToString())
    difference = _difference(model, out, rows)
    if not difference <= TOLERANCE:
        raise Invalid(
            f"The ONNX model predicts otherwise than the model: up to {difference:.3g} apart.",
            field="--to",
            value="onnx",
            remedy="Export it as mlflow or dir.",
        )
    return {"difference": difference}


def _rows(described: dict[str, Any]) -> Any:
    """Made-up rows within the ranges of the training: a DataFrame where there are texts, else a matrix."""
    random = np.random.default_rng(0)
    inputs = described.get("inputs") or []
    width = described.get("features") or len(inputs)
    if not width:
        raise Invalid(
            "The model does not say how many columns it takes, so it cannot be converted.",
            field="--to",
            value="onnx",
            remedy="Register it from a job whose cell fits it.",
        )
    columns: dict[str, Any] = {}
    for place in range(width):
        item = inputs[place] if place < len(inputs) else {}
        labels = item.get("values") or item.get("categories")
        name = item.get("name", f"f{place}")
        if item.get("dtype") in ("string", "category", "object"):
            columns[name] = random.choice(np.array(labels or ["a"], dtype=object), ROWS)
        else:
            low, high = item.get("min"), item.get("max")
            low, high = (-3.0, 3.0) if low is None or high is None else (float(low), float(high))
            columns[name] = random.uniform(low, high, ROWS).astype("float32")
            if str(item.get("dtype", "")).startswith(("int", "uint")):
                columns[name] = np.round(columns[name]).astype("float32")
    import pandas as pd

    frame = pd.DataFrame(columns)
    texts = any(values.dtype == object for values in columns.values())
    return frame if texts else np.ascontiguousarray(frame.to_numpy("float32"))


def _graph(model: Any, key: str, described: dict[str, Any], rows: Any) -> Any:
    if key == formats.ONNX.key:
        return model
    if key in (formats.XGBOOST.key, formats.LIGHTGBM.key):
        tools = required("onnxmltools", "converting to ONNX")
        from onnxmltools.convert.common.data_types import FloatTensorType

        kinds = [("input", FloatTensorType([None, described["features"]]))]
        if key == formats.LIGHTGBM.key:
            return tools.convert_lightgbm(model, initial_types=kinds, target_opset=OPSET, zipmap=False)
        booster = model if hasattr(model, "save_raw") else model.get_booster()
        # The converter knows columns by number only.
        booster.feature_names = booster.feature_types = None
        return tools.convert_xgboost(model, initial_types=kinds, target_opset=OPSET)
    if key == formats.SKOPS.key:
        converter = required("skl2onnx", "converting to ONNX")
        _teach_boosters(converter)
        example = rows[:1]
        options = {"zipmap": False} if hasattr(model, "predict_proba") else None
        return converter.to_onnx(model, example, options=options, target_opset={"": OPSET, "ai.onnx.ml": 3})
    raise Invalid(
        f"A model stored as {key} is not converted to ONNX.",
        field="--to",
        value="onnx",
        remedy="torch.onnx.export(model, …) in a job's cell makes one, which can be registered; or export as dir.",
    )


def _teach_boosters(converter: Any) -> None:
    """xgboost and lightgbm inside of pipelines."""
    try:
        import xgboost
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
        from skl2onnx.common.shape_calculator import (
            calculate_linear_classifier_output_shapes,
            calculate_linear_regressor_output_shapes,
        )
    except ImportError:
        return
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    converter.update_registered_converter(
        xgboost.XGBClassifier, "XGBClassifier", calculate_linear_classifier_output_shapes, convert_xgboost, options=options
    )
    converter.update_registered_converter(
        xgboost.XGBRegressor, "XGBRegressor", calculate_linear_regressor_output_shapes, convert_xgboost
    )


def _difference(model: Any, out: Path, rows: Any) -> float:
    """The largest distance between the predictions of the two, relative where they are large."""
    runtime = required("onnxruntime", "comparing the ONNX model with its source")
    session = runtime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) == 1:
        feed = {inputs[0].name: rows}
    else:
        feed = {item.name: rows[item.name].to_numpy().reshape(-1, 1) for item in inputs}
    outputs = session.run(None, feed)
    found = np.asarray(outputs[-1], dtype=float)
    if not hasattr(model, "predict"):
        return 0.0
    wanted = np.asarray(_predicted(model, rows), dtype=float)
    found = found.reshape(wanted.shape) if found.size == wanted.size else found[:, -1].reshape(wanted.shape)
    # A row of the middle between two leaves may fall on either side in single precision: one in a hundred may.
    distance = np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))
    return float(np.quantile(distance, 0.99))


def _predicted(model: Any, rows: Any) -> Any:
    if type(model).__name__ == "Booster" and hasattr(model, "inplace_predict"):
        return model.inplace_predict(rows)
    if hasattr(model, "predict_proba"):
        return model.predict_proba(rows)
    return model.predict(rows)

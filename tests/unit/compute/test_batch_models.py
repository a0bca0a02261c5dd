"""Registered models of several libraries predict batches as they predict in memory."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from jupyter_slml.compute.batch.columns import check_types, chosen, outgoing
from jupyter_slml.compute.batch.models import RegisteredModel
from jupyter_slml.domain import formats, signatures
from jupyter_slml.domain.specs import BatchModel, BatchSpec
from jupyter_slml.errors import Invalid

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RANDOM.normal(size=300), "b": RANDOM.normal(size=300)}).astype("float32")
BINARY = (FRAME.a > 0).astype(int)
THREE = np.where(FRAME.a > 0.5, "high", np.where(FRAME.a < -0.5, "low", "middle"))


def work(model: Any, folder: Path, signature: dict[str, Any] | None = None) -> RegisteredModel:
    kind = formats.choose(model, formats.OUTPUT_FORMATS)
    path = folder / "model"
    with path.open("wb") as file:
        kind.write(model, file)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = signature or signatures.signature(model)
    about = BatchModel(reference="m@1", digest=digest, format=kind.key, signature=found)
    features, _ = chosen(BatchSpec(output="/out", model=about), FRAME.columns.tolist())
    return RegisteredModel(path, about, features, allow_pickle=False)


def predicted(model: RegisteredModel, threads: int = 1) -> pd.DataFrame:
    model.begin(threads)
    batch = pa.RecordBatch.from_pandas(FRAME[["b", "a"]])
    ready = model.prepare(batch)
    assert not ready.bad
    return pd.DataFrame({name: values.to_pylist() for name, values in model.predict(ready.data, len(FRAME)).items()})


@pytest.mark.parametrize("threads", [1, 2])
def test_xgboost(tmp_path: Path, threads: int) -> None:
    model = xgboost.XGBClassifier(n_estimators=5).fit(FRAME, BINARY)
    found = predicted(work(model, tmp_path), threads)
    np.testing.assert_allclose(found.prediction, model.predict_proba(FRAME)[:, 1], rtol=1e-6)


def test_several_classes_have_a_label_and_probabilities(tmp_path: Path) -> None:
    model = LogisticRegression().fit(FRAME, THREE)
    found = predicted(work(model, tmp_path))
    assert found.columns.tolist() == ["prediction", "probability_high", "probability_low", "probability_middle"]
    assert found.prediction.tolist() == model.predict(FRAME).tolist()
    np.testing.assert_allclose(found.iloc[:, 1:].to_numpy(), model.predict_proba(FRAME), atol=1e-6)


def test_regression(tmp_path: Path) -> None:
    model = RandomForestRegressor(n_estimators=5, random_state=0).fit(FRAME, FRAME.a)
    np.testing.assert_allclose(predicted(work(model, tmp_path)).prediction, model.predict(FRAME))


def test_lightgbm(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(FRAME, BINARY)
    np.testing.assert_allclose(predicted(work(model, tmp_path)).prediction, model.predict_proba(FRAME)[:, 1])


def test_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    to_onnx = pytest.importorskip("skl2onnx").to_onnx
    rows = FRAME[["a", "b"]].to_numpy()
    model = LogisticRegression().fit(rows, BINARY)
    graph = to_onnx(model, rows[:1], options={"zipmap": False})
    batch = pa.RecordBatch.from_pandas(FRAME)
    found = work(graph, tmp_path)
    found.begin(1)
    predictions = found.predict(found.prepare(batch).data, len(FRAME))["prediction"].to_numpy()
    np.testing.assert_allclose(predictions, model.predict_proba(rows)[:, 1], atol=1e-5)


def test_a_directory_with_handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What loading handlers leaves in a process.
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path))
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.delitem(sys.modules, "inference", raising=False)
    folder = tmp_path / "handlers"
    folder.mkdir()
    (folder / "inference.py").write_text(
        "def model_fn(folder):\n    return 3\ndef predict_fn(data, model):\n    return [row[0] * model for row in data]\n"
    )
    signature = {"features": 2, "columns": ["a", "b"]}
    found = predicted(work(folder, tmp_path, signature))
    np.testing.assert_allclose(found.prediction, FRAME.a * 3, rtol=1e-5)


def spec(signature: dict[str, Any], **options: Any) -> BatchSpec:
    model = {"reference": "m@1", "digest": "d", "format": "f", "signature": signature}
    return BatchSpec.parse({"output": "/out", "model": model, **options})


def test_columns_are_matched_by_name_and_else_by_place() -> None:
    assert chosen(spec({"columns": ["b", "a"]}), ["a", "id", "b"])[0] == ["b", "a"]
    assert chosen(spec({"features": 2}, input_filter="$[1:]"), ["id", "x", "y"])[0] == ["x", "y"]
    with pytest.raises(Invalid, match="no column 'b'"):
        chosen(spec({"columns": ["a", "b"]}), ["a", "c"])
    with pytest.raises(Invalid, match="takes 2 columns without names, and the input has 3"):
        chosen(spec({"features": 2}), ["id", "x", "y"])


@pytest.mark.parametrize(
    ("kind", "column", "fits"),
    [
        ("float32", pa.int64(), True),
        ("float32", pa.string(), False),
        ("int64", pa.dictionary(pa.int8(), pa.string()), False),
        ("string", pa.string(), True),
        ("string", pa.float64(), False),
        ("category", pa.dictionary(pa.int8(), pa.string()), True),
        ("datetime", pa.timestamp("us"), True),
        ("datetime", pa.int64(), False),
        ("bool", pa.bool_(), True),
        ("bool", pa.float64(), False),
        ("float64", pa.null(), True),
    ],
)
def test_kinds_are_checked(kind: str, column: pa.DataType, fits: bool) -> None:
    found = spec({"columns": ["a"], "inputs": [{"name": "a", "dtype": kind}]})
    schema = pa.schema([("a", column)])
    if fits:
        check_types(found, ["a"], schema, "x.parquet")
    else:
        with pytest.raises(Invalid, match=r"Column 'a' of x\.parquet holds"):
            check_types(found, ["a"], schema, "x.parquet")


def test_columns_of_the_output() -> None:
    plain = spec({"columns": ["a"]})
    assert outgoing(plain, ["id"], ["prediction"]) == ["id", "prediction"]
    filtered = spec({"columns": ["a"]}, join_source="input", output_filter="$[-1,0]")
    assert outgoing(filtered, ["id", "a"], ["prediction"]) == ["prediction", "id"]
    with pytest.raises(Invalid, match="has a column 'prediction', and so have the predictions"):
        outgoing(plain, ["prediction"], ["prediction"])

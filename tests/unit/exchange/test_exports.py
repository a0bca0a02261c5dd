"""What is exported is what the other system reads: MLflow itself where it is installed, and the libraries' own readers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
import yaml
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from jupyter_slml.errors import Conflict, IntegrityError, Invalid
from jupyter_slml.exchange import exports
from tests.unit.exchange.conftest import Stored

#: Loads an exported directory in MLflow and predicts the rows of a file.
_PROGRAM = """
import json, sys
import mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
found = model.predict(pandas.read_parquet(sys.argv[2]))
print(json.dumps(getattr(found, "values", found).tolist()))
"""


def mlflow_python() -> str:
    """A Python that has MLflow: named by SLML_MLFLOW_PYTHON, or this one."""
    named = os.environ.get("SLML_MLFLOW_PYTHON")
    if named is None and importlib.util.find_spec("mlflow") is None:
        pytest.skip("no MLflow here: SLML_MLFLOW_PYTHON names a Python that has it")
    return named or sys.executable


def in_mlflow(folder: Path, rows: pd.DataFrame) -> Any:
    rows.to_parquet(folder.parent / "rows.parquet")
    command = [mlflow_python(), "-W", "ignore", "-c", _PROGRAM, str(folder), str(folder.parent / "rows.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def test_mlflow_predicts_the_same_with_xgboost(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=5).fit(frame, frame.a > 0)
    target = exports.write(*stored(model, frame), tmp_path / "m", "mlflow")
    np.testing.assert_array_equal(in_mlflow(target, frame), model.predict(frame))
    booster = model.get_booster()
    booster.set_attr(slml_estimator=None)
    plain = exports.write(*stored(booster, frame), tmp_path / "b", "mlflow")
    np.testing.assert_allclose(in_mlflow(plain, frame), model.predict_proba(frame)[:, 1], rtol=1e-6)


def test_mlflow_predicts_the_same_with_scikit_learn(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = frame.assign(c=np.where(frame.n > 4, "x", "y"))
    model = make_pipeline(make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough"), LinearRegression())
    model.fit(frame, frame.a)
    target = exports.write(*stored(model, frame), tmp_path / "m", "mlflow")
    np.testing.assert_allclose(in_mlflow(target, frame), model.predict(frame))
    forest = RandomForestClassifier(5).fit(frame[["a", "b"]], np.where(frame.a > 0, "up", "down"))
    target = exports.write(*stored(forest, frame[["a", "b"]]), tmp_path / "f", "mlflow")
    assert list(in_mlflow(target, frame[["a", "b"]])) == list(forest.predict(frame[["a", "b"]]))


def test_mlflow_predicts_the_same_with_lightgbm_and_onnx(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, frame.a > 0)
    target = exports.write(*stored(model, frame), tmp_path / "m", "mlflow")
    np.testing.assert_allclose(in_mlflow(target, frame), model.predict_proba(frame)[:, 1])
    to_onnx = pytest.importorskip("skl2onnx").to_onnx
    rows = frame.to_numpy("float32")
    line = LinearRegression().fit(rows, frame.b)
    target = exports.write(*stored(to_onnx(line, rows[:1])), tmp_path / "o", "mlflow")
    named = frame.astype("float32")
    found = in_mlflow(target, named)
    np.testing.assert_allclose(np.asarray(found, dtype=float).reshape(-1), line.predict(rows), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("library", ["xgboost", "booster", "regressor", "lightgbm", "sklearn", "text"])
def test_onnx_predicts_the_same(stored: Stored, frame: pd.DataFrame, tmp_path: Path, library: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxmltools")
    target = (frame.a > 0).astype(int)
    model: Any
    if library == "lightgbm":
        model = pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, target)
    elif library == "sklearn":
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, target)
    elif library == "text":
        frame = frame.assign(c=np.where(frame.n > 4, "x", "y"))
        columns = make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough")
        model = make_pipeline(columns, LogisticRegression()).fit(frame, target)
    elif library == "regressor":
        model = xgboost.XGBRegressor(n_estimators=5).fit(frame, frame.b * 100)
    else:
        model = xgboost.XGBClassifier(n_estimators=5).fit(frame, target)
    wanted = model.predict(frame) if library == "regressor" else model.predict_proba(frame)
    if library == "booster":
        model = model.get_booster()
        model.set_attr(slml_estimator=None)
    path = exports.write(*stored(model, frame), tmp_path / "m.onnx", "onnx")
    session = runtime.InferenceSession(path.read_bytes())
    if library == "text":
        feed = {
            item.name: frame[item.name].to_numpy("object" if item.name == "c" else "float32").reshape(-1, 1)
            for item in session.get_inputs()
        }
    else:
        feed = {session.get_inputs()[0].name: frame.to_numpy("float32")}
    found = session.run(None, feed)[-1]
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, atol=1e-3)


def test_kserve_has_a_manifest_and_the_layout_of_its_runtime(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    version, artifact = stored(xgboost.XGBRegressor(n_estimators=2).fit(frame, frame.a), frame, model="Über.Churn_2")
    target = exports.write(version, artifact, tmp_path / "k", "kserve", uri="s3://models/churn")
    manifest = yaml.safe_load((target / "inferenceservice.yaml").read_text())
    assert manifest["kind"] == "InferenceService" and manifest["apiVersion"] == "serving.kserve.io/v1beta1"
    assert manifest["spec"]["predictor"]["model"] == {
        "modelFormat": {"name": "xgboost"},
        "protocolVersion": "v2",
        "storageUri": "s3://models/churn",
    }
    assert manifest["metadata"]["name"] == "ber-churn-2"
    assert xgboost.Booster(model_file=str(target / "model" / "model.ubj")).num_features() == 3
    settings = json.loads((target / "model" / "model-settings.json").read_text())
    assert (target / "model" / settings["parameters"]["uri"]).is_file()
    skops = exports.write(*stored(LinearRegression().fit(frame, frame.a), frame), tmp_path / "s", "kserve")
    assert (skops / "model" / "MLmodel").is_file()


def test_xgboost_is_its_own_file(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    model = xgboost.XGBRegressor(n_estimators=2).fit(frame, frame.a)
    path = exports.write(*stored(model), tmp_path / "m.ubj", "xgboost")
    np.testing.assert_array_equal(
        xgboost.Booster(model_file=str(path)).predict(xgboost.DMatrix(frame)), model.predict(frame)
    )
    with pytest.raises(Invalid, match="no xgboost model"):
        exports.write(*stored(LinearRegression().fit(frame, frame.a)), tmp_path / "n.ubj", "xgboost")


def test_what_is_refused_leaves_nothing(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    version, artifact = stored(xgboost.XGBRegressor(n_estimators=2).fit(frame, frame.a))
    before = sorted(tmp_path.iterdir())
    for kind, target, error in (
        ("parquet", tmp_path / "x", Invalid),
        ("mlflow", tmp_path, Conflict),
        ("mlflow", tmp_path / "no" / "x", Invalid),
        ("xgboost", tmp_path / "x.bin", Invalid),
    ):
        with pytest.raises(error):
            exports.write(version, artifact, target, kind)
    for kind in ("mlflow", "onnx", "kserve"):
        with pytest.raises(Invalid) as caught:
            exports.write(version.evolve(format="handlers"), artifact, tmp_path / "x", kind)
        assert caught.value.remedy
        with pytest.raises(Invalid, match="pickle"):
            exports.write(version.evolve(format="cloudpickle"), artifact, tmp_path / "x", kind)
    artifact.write_bytes(artifact.read_bytes()[:-10])
    with pytest.raises(IntegrityError):
        exports.write(version, artifact, tmp_path / "x", "mlflow")
    assert sorted(tmp_path.iterdir()) == before

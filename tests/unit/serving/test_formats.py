"""Every format of a model is served as the model in memory predicts; what nobody allowed, or somebody changed, is not."""

from __future__ import annotations

import asyncio
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from jupyter_slml.domain import formats, signatures
from jupyter_slml.errors import IntegrityError, Invalid, MissingDependency
from jupyter_slml.predictors.loading import load

Array = np.ndarray[Any, Any]
ROWS, LABELS = sklearn.datasets.load_breast_cancer(return_X_y=True)


def stored(model: Any, folder: Path, signature: dict[str, Any] | None = None, allow_pickle: bool = False) -> Any:
    """What answers with the model after it was written."""
    kind = formats.choose(model, formats.OUTPUT_FORMATS)
    path = folder / "model"
    with path.open("wb") as file:
        kind.write(model, file)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return load(path, digest, kind.key, signature or signatures.signature(model), 1, allow_pickle)[1]


@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")
def test_lightgbm(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(ROWS, np.where(LABELS, "good", "bad"))
    assert signatures.signature(model) == {
        "features": 30,
        "columns": None,
        "types": None,
        "classes": ["bad", "good"],
        "objective": "binary",
        "task": "binary",
    }
    found = stored(model, tmp_path)
    np.testing.assert_array_equal(found.predict(ROWS), model.predict_proba(ROWS)[:, 1])
    np.testing.assert_array_equal(found.predict(ROWS[:1]), model.predict_proba(ROWS[:1])[:, 1])
    # Any lightgbm reads what is stored, and ours gives the estimator back.
    assert lightgbm.Booster(model_file=str(tmp_path / "model")).num_trees() == 10
    back = formats.LIGHTGBM.read(tmp_path / "model")
    assert type(back) is lightgbm.LGBMClassifier and list(back.predict(ROWS[:20])) == list(model.predict(ROWS[:20]))
    early = lightgbm.LGBMRegressor(n_estimators=200, learning_rate=0.5, verbose=-1, n_jobs=1)
    early.fit(
        ROWS[:300],
        LABELS[:300],
        eval_set=[(ROWS[300:], LABELS[300:])],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    )
    assert 0 < early.best_iteration_ < 200
    np.testing.assert_array_equal(stored(early, tmp_path).predict(ROWS), early.predict(ROWS))
    plain = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(ROWS, LABELS), 5)
    np.testing.assert_array_equal(stored(plain, tmp_path).predict(ROWS), plain.predict(ROWS))


def test_lightgbm_with_categories(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    frame = pd.DataFrame({"n": np.arange(200.0) % 7, "c": pd.Categorical(np.array(list("xyzw"))[np.arange(200) % 4])})
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1, min_child_samples=1)
    model.fit(frame, np.arange(200) % 4 == 1)
    signature = {**(signatures.signature(model) or {}), "inputs": signatures.inputs(frame.items())}
    found = stored(model, tmp_path, signature)
    assert found.dtype == "frame"
    np.testing.assert_array_equal(found.predict(frame[:9]), model.predict_proba(frame[:9])[:, 1])


def test_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    to_onnx = pytest.importorskip("skl2onnx").to_onnx
    rows = ROWS.astype("float32")
    model = LogisticRegression(max_iter=5000).fit(rows, LABELS)
    for zipmap in (True, False):
        graph = to_onnx(model, rows[:1], options={"zipmap": zipmap})
        assert signatures.signature(graph) == {
            "features": 30,
            "columns": None,
            "types": None,
            "classes": [0, 1],
            "task": "binary",
        }
        np.testing.assert_allclose(stored(graph, tmp_path).predict(rows), model.predict_proba(rows)[:, 1], atol=1e-5)
    value = LinearRegression().fit(rows, LABELS)
    np.testing.assert_allclose(stored(to_onnx(value, rows[:1]), tmp_path).predict(rows), value.predict(rows), atol=1e-3)


def test_onnx_with_an_input_per_column(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    to_onnx = pytest.importorskip("skl2onnx").to_onnx
    frame = pd.DataFrame({"n": np.arange(40.0, dtype="float32"), "c": np.array(list("xyz"))[np.arange(40) % 3]})
    model = make_pipeline(make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough"), LogisticRegression())
    model.fit(frame, np.arange(40) % 3)
    graph = to_onnx(model, frame[:1], options={"zipmap": False})
    signature = signatures.signature(graph)
    assert signature is not None and signature["columns"] == ["n", "c"] and signatures.takes_frame(signature)
    found = stored(graph, tmp_path)
    np.testing.assert_allclose(found.predict(frame), model.predict_proba(frame), atol=1e-5)


def test_onnx_with_tensors_in_other_files(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 1])],
        [tensor],
    )
    model = onnx.helper.make_model(graph)
    (tmp_path / "secret").write_bytes(b"1234")
    del model.graph.initializer[0].float_data[:]
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="secret")
    (tmp_path / "m").write_bytes(model.SerializeToString())
    with pytest.raises(Invalid, match="another file"):
        formats.ONNX.read(tmp_path / "m")


def test_pipelines_with_text_get_a_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": np.arange(40.0), "c": np.array(list("xyz"))[np.arange(40) % 3]})
    model = make_pipeline(make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough"), LogisticRegression())
    model.fit(frame, np.arange(40) % 3)
    signature = {**(signatures.signature(model) or {}), "inputs": signatures.inputs(frame.items())}
    found = stored(model, tmp_path, signature)
    assert found.dtype == "frame"
    np.testing.assert_array_equal(found.predict(frame), model.predict_proba(frame))


class Doubler:
    def predict(self, rows: Array) -> list[float]:
        return [float(row.sum()) * 2 for row in np.asarray(rows)]


class Later:
    async def predict(self, rows: Array) -> Array:
        await asyncio.sleep(0)
        total: Array = np.asarray(rows).sum(axis=1)
        return total


def test_a_pickle_only_where_it_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="pickle") as caught:
        stored(Doubler(), tmp_path)
    assert "--allow-pickle" in (caught.value.remedy or "")
    assert list(stored(Doubler(), tmp_path, allow_pickle=True).predict(ROWS[:3])) == Doubler().predict(ROWS[:3])
    later = stored(Later(), tmp_path, allow_pickle=True)
    np.testing.assert_array_equal(asyncio.run(later.predict(ROWS)), ROWS.sum(axis=1))
    named = {"columns": ["a", "b"], "features": 2}
    assert stored(Doubler(), tmp_path, named, allow_pickle=True).dtype == "frame"
    with pytest.raises(Invalid, match="cannot predict"):
        stored({1, 2}, tmp_path, allow_pickle=True)


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("key", [*formats.MODEL_FORMATS, *formats.PICKLE_FORMATS])
def test_a_pickle_bomb_under_any_name_is_not_run(tmp_path: Path, key: str) -> None:
    path, mark = tmp_path / "model", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(Exception):  # noqa: B017 — each library has its own
        load(path, hashlib.sha256(path.read_bytes()).hexdigest(), key, None, 1)
    assert not mark.exists()


def test_other_bytes_than_were_registered(tmp_path: Path) -> None:
    path, mark = tmp_path / "model", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Bomb(mark)))
    for digest in ("0" * 64, hashlib.sha256(path.read_bytes() + b"x").hexdigest()):
        with pytest.raises(IntegrityError):
            load(path, digest, "cloudpickle", None, 1, allow_pickle=True)
    assert not mark.exists()


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    if _has("torch"):
        pytest.skip("torch is installed")
    (tmp_path / "m").write_bytes(b"PK")
    with pytest.raises(MissingDependency, match="torch") as caught:
        formats.TORCH.read(tmp_path / "m")
    assert 'pip install "jupyter-slml[torch]"' in (caught.value.remedy or "")


def _has(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


FUNCTIONS = """
import json, os
from helper import FACTOR

def model_fn(model_dir, context):
    assert context.system_properties["model_dir"] == model_dir
    return json.load(open(os.path.join(model_dir, "weights.json")))["bias"]

def predict_fn(data, model):
    return data.sum(axis=1) * FACTOR + model
"""


def directory(folder: Path, name: str, source: str, **files: str) -> Path:
    root = folder / "bundle"
    for key, text in {name: source, **files}.items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_functions_with_their_defaults(tmp_path: Path) -> None:
    extra = {"code/helper.py": "FACTOR = 2\n", "weights.json": '{"bias": 1}'}
    found = stored(directory(tmp_path, "code/inference.py", FUNCTIONS, **extra), tmp_path)
    assert found.handle(b"[[1, 2], [3, 4]]", "application/json", "") == (b"[7.0,15.0]", "application/json")
    assert found.handle(b"1,2\n3,4\n", "text/csv; charset=utf-8", "text/csv") == (b"7.0\n15.0\n", "text/csv")
    # A column is many rows.
    assert found.handle(b"1\n2\n", "text/csv", "*/*")[0] == b"[3.0,5.0]"
    import io

    file = io.BytesIO()
    np.save(file, np.ones((2, 2)))
    body, kind = found.handle(file.getvalue(), "application/x-npy", "application/x-npy")
    assert kind == "application/x-npy" and np.load(io.BytesIO(body)).tolist() == [5.0, 5.0]
    bad = io.BytesIO()
    np.save(bad, np.array([Bomb(tmp_path / "ran")], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        found.handle(bad.getvalue(), "application/x-npy", "")
    assert not (tmp_path / "ran").exists()


def test_functions_of_ones_own(tmp_path: Path) -> None:
    source = """
import asyncio
def model_fn(model_dir): return 3
def input_fn(body, content_type):
    assert isinstance(body, bytes), "text only for JSON and CSV"
    return len(body)
async def predict_fn(data, model):
    await asyncio.sleep(0)
    return data * model
def output_fn(prediction, accept):
    return f"{prediction} {accept}", "text/plain"
"""
    found = stored(directory(tmp_path, "inference.py", source), tmp_path)
    assert asyncio.run(found.handle(b"abcd", "application/octet-stream", "text/plain")) == (b"12 text/plain", "text/plain")
    both = "def model_fn(d): pass\ndef transform_fn(m, b, c, a): pass\ndef input_fn(b, c): pass\n"
    with pytest.raises(Invalid, match="transform_fn"):
        stored(directory(tmp_path, "inference.py", both), tmp_path)


VERTEX = """
from google.cloud.aiplatform.prediction.predictor import Predictor
from google.cloud.aiplatform.utils import prediction_utils

class Mine(Predictor):
    def load(self, artifacts_uri):
        self.bias = float(open(artifacts_uri + "/bias").read())
    def predict(self, instances):
        return {"predictions": [sum(row) + self.bias for row in instances["instances"]]}
"""


def test_a_predictor_class(tmp_path: Path) -> None:
    found = stored(directory(tmp_path, "predictor.py", VERTEX, bias="0.5"), tmp_path)
    body, kind = found.handle(json.dumps({"instances": [[1, 2]]}).encode(), "application/json", "")
    assert json.loads(body) == {"predictions": [3.5]} and kind == "application/json"
    with pytest.raises(Invalid, match="not valid JSON"):
        found.handle(b"{", "application/json", "")


def test_a_directory_with_a_link_is_not_stored(tmp_path: Path) -> None:
    root = directory(tmp_path, "inference.py", "def model_fn(d): pass\n")
    (root / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(Invalid, match="link"), (tmp_path / "m").open("wb") as file:
        formats.HANDLERS.write(root, file)

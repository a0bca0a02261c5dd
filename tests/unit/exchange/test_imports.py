"""What others have saved comes in and predicts the same; what wants to do harm runs nowhere and leaves nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn.linear_model import LinearRegression, LogisticRegression

from jupyter_slml.domain import formats
from jupyter_slml.errors import Invalid, NotFound, SlmlError
from jupyter_slml.exchange import child, exports, imports
from jupyter_slml.exchange.packages import Package
from tests.unit.exchange.conftest import Stored


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)

    def predict(self, rows: Any) -> Any:
        return rows


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def predicted(package: Package, rows: Any) -> Any:
    model = formats.by_key(package.format).read(package.path)
    return model.predict(rows)


@pytest.mark.parametrize("suffix", [".ubj", ".json"])
def test_xgboost_files(frame: pd.DataFrame, tmp_path: Path, work: Path, suffix: str) -> None:
    model = xgboost.XGBClassifier(n_estimators=3).fit(frame, frame.a > 0)
    path = tmp_path / f"m{suffix}"
    model.save_model(path)
    found = imports.read(path, work)
    assert (found.format, found.source) == ("xgboost-ubj", path.name)
    assert found.signature is not None and found.signature["columns"] == ["a", "b", "n"]
    booster = formats.XGBOOST.read(found.path)
    np.testing.assert_array_equal(booster.inplace_predict(frame), model.predict_proba(frame)[:, 1])
    assert found.environment["xgboost"] == xgboost.__version__


def test_files_of_the_other_libraries(frame: pd.DataFrame, tmp_path: Path) -> None:
    for number, (path, format_) in enumerate(_files(frame, tmp_path)):
        work = tmp_path / f"work{number}"
        work.mkdir()
        found = imports.read(path, work)
        assert found.format == format_ and found.signature is not None and found.signature["features"] == 3


def _files(frame: pd.DataFrame, folder: Path) -> list[tuple[Path, str]]:
    model = LinearRegression().fit(frame, frame.a)
    skops.io.dump(model, folder / "m.skops")
    found = [(folder / "m.skops", "skops")]
    try:
        import lightgbm
        from skl2onnx import to_onnx
    except ImportError:
        return found
    lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(frame, frame.a).booster_.save_model(folder / "m.txt")
    (folder / "m.onnx").write_bytes(
        to_onnx(
            LinearRegression().fit(frame.to_numpy("float32"), frame.a), frame.to_numpy("float32")[:1]
        ).SerializeToString()
    )
    return [*found, (folder / "m.txt", "lightgbm"), (folder / "m.onnx", "onnx")]


def test_what_we_export_comes_in_again(stored: Stored, frame: pd.DataFrame, tmp_path: Path) -> None:
    models: list[Any] = [
        xgboost.XGBClassifier(n_estimators=3).fit(frame, frame.a > 0),
        LinearRegression().fit(frame, frame.a),
    ]
    for number, model in enumerate(models):
        version, artifact = stored(model, frame, tags={"team": "x"})
        for kind in ("mlflow", "dir"):
            work = tmp_path / f"work-{kind}-{number}"
            work.mkdir()
            target = exports.write(
                version, artifact, tmp_path / f"{kind}-{number}", kind, extras={"baseline.json": {"rows": 3}}
            )
            found = imports.read(target, work)
            assert found.type == version.type and found.format == version.format
            np.testing.assert_array_equal(predicted(found, frame), model.predict(frame))
            assert found.signature is not None and found.signature["columns"] == ["a", "b", "n"]
            if kind == "dir":
                assert found.signature == version.signature and found.digest == version.digest
                assert (found.metrics, found.tags) == ({"auc": 0.9}, {"team": "x"})
                assert found.baseline is not None and json.loads(found.baseline.read_bytes()) == {"rows": 3}


def test_a_pickle_comes_in_only_when_it_is_allowed_and_stays_none(frame: pd.DataFrame, tmp_path: Path, work: Path) -> None:
    model = LogisticRegression().fit(frame, frame.a > 0)
    joblib.dump(model, tmp_path / "model.joblib", compress=3)
    with pytest.raises(Invalid, match="runs code") as caught:
        imports.read(tmp_path / "model.joblib", work)
    assert "--allow-pickle" in (caught.value.remedy or "")
    found = imports.read(tmp_path / "model.joblib", work, allow_pickle=True)
    assert found.format == "skops" and list(predicted(found, frame)) == list(model.predict(frame))


def test_sagemaker_archives(frame: pd.DataFrame, tmp_path: Path) -> None:
    model = xgboost.XGBRegressor(n_estimators=3).fit(frame, frame.a)
    raw = bytes(model.get_booster().save_raw("ubj"))
    for number, (path, format_) in enumerate(
        (
            (tarred(tmp_path / "a.tar.gz", {"xgboost-model": raw}), "xgboost-ubj"),
            (
                tarred(
                    tmp_path / "model.tar.gz",
                    {"model.ubj": raw, "code/inference.py": b"def model_fn(d): raise SystemExit('never run')\n"},
                ),
                "handlers",
            ),
        )
    ):
        work = tmp_path / f"w{number}"
        work.mkdir()
        found = imports.read(path, work)
        assert found.format == format_
        if format_ == "handlers":
            with zipfile.ZipFile(found.path) as archive:
                assert sorted(archive.namelist()) == ["code/inference.py", "model.ubj"]


@pytest.mark.parametrize("name", ["m.ubj", "m.json", "m.skops", "m.onnx", "m.txt", "m", "xgboost-model", "m.tar.gz", "m.pt"])
def test_a_pickle_under_any_name_is_not_run(tmp_path: Path, work: Path, name: str) -> None:
    path, mark = tmp_path / name, tmp_path / "ran"
    for protocol in (0, 2, 4, 5):
        path.write_bytes(pickle.dumps(Bomb(mark), protocol=protocol))
        for allow in (False, True) if name not in ("m", "xgboost-model", "m.pt") else (False,):
            with pytest.raises(Invalid):
                imports.read(path, work, allow_pickle=allow)
    assert not mark.exists() and not (work / "model").exists()


def test_a_pickle_inside_of_others_is_not_run(tmp_path: Path, work: Path) -> None:
    mark = tmp_path / "ran"
    data = pickle.dumps(Bomb(mark))
    with zipfile.ZipFile(tmp_path / "m.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps({"__class__": "Bomb", "__module__": "tests", "__loader__": "ObjectNode"}))
        archive.writestr("x.pkl", data)
    folder = tmp_path / "mlflow"
    folder.mkdir()
    (folder / "MLmodel").write_text(
        "flavors:\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n"
    )
    (folder / "model.pkl").write_bytes(data)
    sagemaker = tarred(tmp_path / "model.tar.gz", {"xgboost-model": data})
    for path in (tmp_path / "m.skops", folder, sagemaker):
        with pytest.raises(Invalid):
            imports.read(path, _fresh(tmp_path))
    swapped = _exported(tmp_path)
    (swapped / "artifact").write_bytes(data)
    with pytest.raises(Invalid, match="not the one that was exported"):
        imports.read(swapped, work)
    assert not mark.exists()


def _fresh(folder: Path) -> Path:
    path = folder / f"work{len(list(folder.iterdir()))}"
    path.mkdir()
    return path


def _exported(folder: Path) -> Path:
    path = folder / "own"
    path.mkdir()
    record = {
        "model": "m",
        "number": 1,
        "created_at": 0,
        "digest": "0" * 64,
        "size": 1,
        "format": "cloudpickle",
        "type": "x",
        "job": None,
        "output": "",
        "source": "",
    }
    (path / "slml.json").write_text(json.dumps(record))
    return path


def test_cut_off_and_made_up_files(frame: pd.DataFrame, tmp_path: Path) -> None:
    whole = bytes(xgboost.XGBRegressor(n_estimators=3).fit(frame, frame.a).get_booster().save_raw("ubj"))
    skops.io.dump(LinearRegression().fit(frame, frame.a), tmp_path / "w.skops")
    cases = {
        "cut.ubj": whole[: len(whole) // 2],
        "brace.json": b'{"learner": ' + b"[" * 200_000,
        "lies.ubj": b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L\x7f\xff\xff\xff\xff\xff\xff\xff" + b"x" * 100,
        "cut.txt": b"tree\nversion=v4\nnum_class=1\n",
        "cut.skops": (tmp_path / "w.skops").read_bytes()[:400],
        "noise.onnx": os.urandom(2000),
        "empty.ubj": b"",
        "noise": os.urandom(2000),
    }
    for name, data in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(SlmlError) as caught:
            imports.read(path, _fresh(tmp_path))
        assert isinstance(caught.value, Invalid), name
        assert path.name in caught.value.message and "Traceback" not in str(caught.value)
    with pytest.raises(NotFound):
        imports.read(tmp_path / "nowhere", _fresh(tmp_path))


def test_mlflow_directories_that_lead_elsewhere(tmp_path: Path, work: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (tmp_path / "secret.ubj").write_bytes(b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner")
    (folder / "link.ubj").symlink_to(tmp_path / "secret.ubj")
    for text, what in (
        ("flavors:\n  xgboost:\n    data: ../secret.ubj\n", "outside"),
        (f"flavors:\n  xgboost:\n    data: {tmp_path}/secret.ubj\n", "outside"),
        ("flavors:\n  xgboost:\n    data: link.ubj\n", "outside"),
        ("flavors:\n  xgboost:\n    data: nothing.ubj\n", "not there"),
        ("flavors:\n  python_function:\n    loader_module: os\n", "none is"),
        ("a: &a [1]\nb: [*a, *a]\n", "aliases"),
        ("{", "no YAML"),
        ("!!python/object/apply:os.system ['touch /tmp/ran']", "no YAML"),
        ("text", "says nothing"),
    ):
        (folder / "MLmodel").write_text(text)
        with pytest.raises(Invalid, match=what):
            imports.read(folder, work)


def test_a_zip_bomb_named_skops(tmp_path: Path, work: Path) -> None:
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        with archive.open("array.npy", "w", force_zip64=True) as out:
            for _ in range(100):
                out.write(bytes(2**20))
    with pytest.raises(Invalid, match="unpacks to more"):
        imports.read(path, work)


def test_a_reader_that_dies_says_so(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it reads may end the process, or keep it for ever."""

    class Exit:
        def __reduce__(self) -> Any:
            return os._exit, (3,)

    class Wait:
        def __reduce__(self) -> Any:
            import time

            return time.sleep, (600,)

    for bad, what in ((Exit(), "exit status 3"), (Wait(), "was not read within")):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps(bad))
        monkeypatch.setattr(child, "TIMEOUT", 8.0)
        with pytest.raises(Invalid, match=what):
            imports.read(tmp_path / "m.pkl", work, allow_pickle=True)


def test_the_reader_gets_no_secrets(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tell:
        def __reduce__(self) -> Any:
            return eval, ("open('said', 'w').write(repr(sorted(__import__('os').environ)))",)

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Tell()))
    with pytest.raises(Invalid, match="cannot predict"):
        imports.read(tmp_path / "m.pkl", work, allow_pickle=True)
    assert "PATH" in (work / "said").read_text() and "AWS" not in (work / "said").read_text()

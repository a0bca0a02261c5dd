"""A served model answers what the model in memory answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import sklearn.datasets
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from jupyter_slml.domain import formats, signatures
from jupyter_slml.predictors import predictor as predictors
from jupyter_slml.predictors import xgb
from jupyter_slml.predictors.xgb import XgboostPredictor

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def cancer() -> tuple[Array, Array]:
    found: tuple[Array, Array] = sklearn.datasets.load_breast_cancer(return_X_y=True)
    return found[0].astype(np.float32), found[1]


def predictor(model: Any, signature: dict[str, Any] | None, threads: int) -> Any:
    return predictors.predictor(model, signature, threads)


def stored(model: Any, folder: Path) -> Any:
    """The model as a replica gets it: written and read again."""
    kind = formats.choose(model, formats.OUTPUT_FORMATS)
    assert kind.key in formats.MODEL_FORMATS
    with (folder / "model").open("wb") as file:
        kind.write(model, file)
    return kind.read(folder / "model")


def test_xgboost_binary_with_its_proxy(cancer: tuple[Array, Array], tmp_path: Path) -> None:
    rows, labels = cancer
    model = xgboost.XGBClassifier(n_estimators=20, n_jobs=1).fit(rows, labels)
    found = predictor(stored(model, tmp_path), signatures.signature(model), 1)
    assert isinstance(found, XgboostPredictor) and found._proxy is not None
    holes = rows.copy()
    holes[::3, ::2] = np.nan
    for batch in (rows, rows[:1], holes):
        np.testing.assert_array_equal(found.predict(batch), model.predict_proba(batch)[:, 1])
    with pytest.raises(ValueError, match="Number of columns"):
        found.predict(rows[:, :5].copy())


def test_without_the_proxy_the_answers_are_the_same(
    cancer: tuple[Array, Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = cancer
    model = xgboost.XGBClassifier(n_estimators=20, n_jobs=1).fit(rows, labels)
    # As on a future xgboost whose private names moved.
    monkeypatch.setattr(xgb, "library", lambda: None)
    found = predictor(stored(model, tmp_path), None, 1)
    assert isinstance(found, XgboostPredictor) and found._proxy is None
    np.testing.assert_array_equal(found.predict(rows), model.predict_proba(rows)[:, 1])


def test_xgboost_with_classes_regression_and_best_iteration(cancer: tuple[Array, Array], tmp_path: Path) -> None:
    rows, labels = cancer
    many = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(rows, np.arange(len(rows)) % 3)
    found = predictor(stored(many, tmp_path), None, 1).predict(rows[:7])
    np.testing.assert_array_equal(found, many.predict_proba(rows[:7]))
    value = xgboost.XGBRegressor(n_estimators=5, n_jobs=1).fit(rows, rows[:, 0])
    np.testing.assert_array_equal(predictor(stored(value, tmp_path), None, 1).predict(rows), value.predict(rows))
    early = xgboost.XGBClassifier(n_estimators=60, n_jobs=1, early_stopping_rounds=3, learning_rate=1.0)
    early.fit(rows[:300], labels[:300], eval_set=[(rows[300:], labels[300:])], verbose=False)
    assert early.best_iteration < early.get_booster().num_boosted_rounds() - 1
    served = predictor(stored(early, tmp_path), None, 1)
    assert isinstance(served, XgboostPredictor) and served._proxy is not None
    np.testing.assert_array_equal(served.predict(rows), early.predict_proba(rows)[:, 1])
    plain = early.get_booster()
    plain.set_attr(slml_estimator=None)
    np.testing.assert_array_equal(predictor(plain, None, 1).predict(rows), plain.inplace_predict(rows))


def test_xgboost_with_categories(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"n": np.arange(60.0), "c": pandas.Categorical.from_codes(np.arange(60) % 3, [0, 1, 2])})
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1, enable_categorical=True).fit(frame, np.arange(60) % 2)
    served = predictor(stored(model, tmp_path), signatures.signature(model), 1)
    assert isinstance(served, XgboostPredictor) and served._proxy is None
    codes = np.column_stack([frame["n"], frame["c"].cat.codes]).astype(np.float32)
    np.testing.assert_allclose(served.predict(codes), model.predict_proba(frame)[:, 1], rtol=1e-6)


def test_many_rows_take_many_threads_and_few_take_one(cancer: tuple[Array, Array]) -> None:
    rows, labels = cancer
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(rows, labels)
    found = predictor(model, None, 2)
    assert isinstance(found, XgboostPredictor)
    large = np.ascontiguousarray(np.resize(rows, (12_000, rows.shape[1])))
    np.testing.assert_array_equal(found.predict(large)[: len(rows)], found.predict(rows))


def test_scikit_learn(cancer: tuple[Array, Array], tmp_path: Path) -> None:
    rows, labels = cancer
    wide = rows.astype(np.float64)
    forest = RandomForestClassifier(n_estimators=5, n_jobs=2, random_state=0).fit(wide, labels)
    served = stored(forest, tmp_path)
    np.testing.assert_allclose(predictor(served, None, 1).predict(wide), forest.predict_proba(wide)[:, 1])
    assert served.n_jobs == 1
    words = np.where(labels == 1, "benign", "malignant")
    machine = make_pipeline(StandardScaler(), LinearSVC()).fit(wide, words)
    assert predictor(stored(machine, tmp_path), None, 1).predict(wide[:3]).tolist() == machine.predict(wide[:3]).tolist()
    line = LinearRegression().fit(wide, wide[:, :2])
    np.testing.assert_allclose(predictor(stored(line, tmp_path), None, 1).predict(wide), line.predict(wide))


def test_scikit_learn_with_column_names_does_not_warn(cancer: tuple[Array, Array], tmp_path: Path) -> None:
    rows, labels = cancer
    frame = pandas.DataFrame(rows[:, :3].astype(np.float64), columns=["x", "y", "z"])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, labels)
    found = predictor(stored(model, tmp_path), signatures.signature(model), 1)
    np.testing.assert_allclose(found.predict(frame.to_numpy()), model.predict_proba(frame)[:, 1])
    with pytest.raises(ValueError, match="NaN"):
        found.predict(np.full((1, 3), np.nan))

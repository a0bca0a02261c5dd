"""Metrics agree with scikit-learn's; figures have what they are named for; what does not fit is refused with its reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_slml.domain.evaluations import CURVE, evaluate, importance
from jupyter_slml.domain.figures import FIGURES, Bars, Lines, Matrix, Points, draw
from jupyter_slml.errors import Invalid

RANDOM = np.random.default_rng(0)


def test_two_classes() -> None:
    score = RANDOM.random(5_000)
    truth = (RANDOM.random(5_000) < score).astype(int)
    found, figures = evaluate(np.where(truth, "yes", "no"), score, {"task": "binary", "classes": ["no", "yes"]})
    guess = (score > 0.5).astype(int)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(truth, score))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(truth, score))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, score))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, score))
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, guess))
    assert found["precision"] == pytest.approx(metrics.precision_score(truth, guess))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, guess))
    roc, calibration, confusion = figures["roc"], figures["calibration"], figures["confusion"]
    assert isinstance(roc, Lines) and isinstance(calibration, Lines) and isinstance(confusion, Matrix)
    (line,) = roc.lines.values()
    assert line[0] == (0.0, 0.0) and line[-1] == (1.0, 1.0) and len(line) <= CURVE
    assert all(abs(x - y) < 0.1 for x, y in calibration.lines["yes"])
    assert confusion.counts == metrics.confusion_matrix(truth, guess).tolist()
    assert FIGURES.validate_json(FIGURES.dump_json(figures)) == figures
    assert all(draw(item, name).startswith("<svg") for name, item in figures.items())


def test_many_classes_and_labels_alone() -> None:
    truth = RANDOM.integers(0, 3, 900)
    raw = RANDOM.random((900, 3)) + np.eye(3)[truth]
    scores = raw / raw.sum(axis=1, keepdims=True)
    about = {"task": "multiclass", "classes": [0, 1, 2]}
    found, figures = evaluate(truth, scores, about)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(truth, scores, multi_class="ovr"))
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, scores.argmax(axis=1), average="macro"))
    assert isinstance(figures["roc"], Lines) and len(figures["roc"].lines) == 3
    labels, plots = evaluate(truth, scores.argmax(axis=1), about)
    assert labels["accuracy"] == found["accuracy"] and "auc" not in labels and plots.keys() == {"confusion"}
    # As a file gives them: 1.0 for 1, text for a number.
    assert evaluate(truth.astype(float), scores, about)[0] == evaluate(truth.astype(str), scores, about)[0] == found


def test_values() -> None:
    truth = RANDOM.normal(size=1_000)
    guess = truth + RANDOM.normal(size=1_000) / 3
    found, figures = evaluate(truth, guess.astype("float32"), {"task": "regression"})
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, guess), rel=1e-5)
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, guess), rel=1e-5)
    assert isinstance(figures["residuals"], Points) and 0 < len(figures["residuals"].points) <= 500
    assert "r2" not in evaluate(np.ones(5), np.ones(5), {"task": "regression"})[0]


def test_one_class_only_has_no_curve() -> None:
    found, figures = evaluate(np.ones(10, int), np.full(10, 0.9), {"task": "binary", "classes": [0, 1]})
    assert found["accuracy"] == 1.0 and "auc" not in found and "roc" not in figures


@pytest.mark.parametrize(
    ("actual", "predictions", "signature", "what"),
    [
        (np.array([0, 2]), np.array([0.1, 0.9]), {"task": "binary", "classes": [0, 1]}, "none of the model's classes"),
        (np.array([0.0, np.nan]), np.array([0.1, 0.9]), {"task": "binary", "classes": [0, 1]}, "no value in 1 of 2"),
        (np.array([]), np.array([]), None, "0 rows"),
        (np.array(["a", "b"]), np.array([0.1, 0.9]), {"task": "regression"}, "no number"),
        (np.array([0, 1]), np.ones((2, 3)) / 3, {"task": "multiclass", "classes": [0, 1]}, "3 probabilities"),
        (np.array([0.5, 1]), np.ones((2, 3)), {"task": "regression"}, "3 values per row"),
    ],
)
def test_what_does_not_fit(actual: Any, predictions: Any, signature: Any, what: str) -> None:
    with pytest.raises(Invalid, match=what) as caught:
        evaluate(actual, predictions, signature)
    assert caught.value.remedy


def test_importance() -> None:
    import xgboost

    rows = RANDOM.normal(size=(300, 3))
    target = rows[:, 1] * 5 + rows[:, 2]
    booster: Any = importance(xgboost.XGBRegressor(n_estimators=5).fit(rows, target), None)["importance"]
    assert isinstance(booster, Bars) and booster.bars[0][0] == "f1"
    line: Any = importance(LinearRegression().fit(rows, target), ["a", "b", "c"])["importance"]
    assert [name for name, _ in line.bars] == ["b", "c", "a"]
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target > 0)
    assert importance(pipe, ["a", "b", "c"])["importance"].bars[0][0] == "x1"  # type: ignore[union-attr]
    assert importance(object(), None) == {}

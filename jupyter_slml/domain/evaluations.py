"""How good a model's predictions are: metrics, and figures of them.

`predictions` are those that are served: for two classes the probability of the second one or labels, for more classes a
matrix of probabilities or labels, else values.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_slml.domain.figures import Bars, Figures, Lines, Matrix, Point, Points
from jupyter_slml.errors import Invalid

#: Points of a curve, points of a cloud, bars, and classes that get curves of their own.
CURVE = 200
CLOUD = 500
BARS = 30
CLASSES = 10
#: Bins of the calibration curve.
BINS = 10


def evaluate(actual: Any, predictions: Any, signature: Mapping[str, Any] | None) -> tuple[dict[str, float], Figures]:
    """Metrics by name and figures by name. `actual` and `predictions` are arrays of the same rows.

    Raises Invalid when the two do not fit together, when the target has missing values, and for labels that the model does
    not know.
    """
    import numpy as np
    import pandas as pd

    actual, predictions = np.asarray(actual), np.asarray(predictions)
    if not len(actual) or len(actual) != len(predictions):
        raise Invalid(
            f"There are {len(predictions)} predictions for {len(actual)} rows.",
            field="input",
            remedy="Evaluate on a table with at least one row.",
        )
    missing = int(pd.isna(actual).sum())
    if missing:
        raise Invalid(
            f"The target has no value in {missing} of {len(actual)} rows.",
            field="--target",
            remedy="Leave those rows out.",
        )
    about = signature or {}
    task = about.get("task")
    classes = about.get("classes")
    if task in ("binary", "multiclass") or predictions.dtype.kind in "OUSb":
        return _classification(actual, predictions, classes)
    if task == "other" and actual.dtype.kind in "OUSb":
        return _classification(actual, predictions, classes)
    return _regression(actual, predictions)


def _classification(actual: Any, predictions: Any, classes: Sequence[Any] | None) -> tuple[dict[str, float], Figures]:
    import numpy as np
    from sklearn import metrics

    scored = predictions.dtype.kind == "f" and (predictions.ndim == 2 or not _are_labels(predictions, classes))
    known = np.asarray(classes) if classes else np.unique(np.concatenate([actual, predictions] if not scored else [actual]))
    truth = _places(actual, known, "the target")
    names = [str(label) for label in known]
    if not scored:
        guess = _places(predictions, known, "the predictions")
        return _counted(truth, guess, names)
    if predictions.ndim == 1:
        predictions = np.column_stack([1.0 - predictions, predictions])
    if predictions.shape[1] != len(known):
        raise Invalid(
            f"The model gives {predictions.shape[1]} probabilities per row, and there are {len(known)} classes: "
            f"{', '.join(names[:10])}.",
            field="--target",
            remedy="Evaluate with a target that has the classes of the training.",
        )
    guess = predictions.argmax(axis=1)
    found, figures = _counted(truth, guess, names)
    clipped = np.clip(predictions, 1e-15, 1.0)
    found["log_loss"] = float(-np.log(clipped[np.arange(len(truth)), truth]).mean())
    two = len(known) == 2
    roc: dict[str, list[Point]] = {}
    pr: dict[str, list[Point]] = {}
    calibration: dict[str, list[Point]] = {}
    areas: list[float] = []
    averages: list[float] = []
    for place in [1] if two else range(len(known)):
        positive, score = truth == place, predictions[:, place]
        if positive.all() or not positive.any():
            continue
        areas.append(float(metrics.roc_auc_score(positive, score)))
        averages.append(float(metrics.average_precision_score(positive, score)))
        if len(roc) < CLASSES:
            low, high, _ = metrics.roc_curve(positive, score)
            roc[f"{names[place]} (AUC {areas[-1]:.4g})"] = _curve(low, high)
            precision, recall, _ = metrics.precision_recall_curve(positive, score)
            pr[f"{names[place]} (average {averages[-1]:.4g})"] = _curve(recall[::-1], precision[::-1])
            calibration[names[place]] = _calibration(positive, score)
    if two:
        found["brier"] = float(((predictions[:, 1] - truth) ** 2).mean())
    if areas:
        found["auc"] = math.fsum(areas) / len(areas)
        found["average_precision"] = math.fsum(averages) / len(averages)
        figures = {
            "roc": Lines(title="ROC", x="false positive rate", y="true positive rate", lines=roc, diagonal=True),
            "pr": Lines(title="Precision and recall", x="recall", y="precision", lines=pr),
            **figures,
            "calibration": Lines(
                title="Calibration", x="predicted probability", y="actual share", lines=calibration, diagonal=True
            ),
        }
    return found, figures


def _are_labels(predictions: Any, classes: Sequence[Any] | None) -> bool:
    """Floats that are labels: a classifier without probabilities whose classes are 0.0 and 1.0."""
    return classes is not None and not set(predictions.tolist()) - set(classes)


def _places(labels: Any, known: Any, whose: str) -> Any:
    """Which class each label is. Raises Invalid for one that the model does not know."""
    import numpy as np

    # Truths, numbers and texts of a file are compared as what they say: 1, 1.0 and True are one label, and "1" is, too.
    index = {_key(label): place for place, label in enumerate(known.tolist())}
    found = [index.get(_key(label), -1) for label in labels.tolist()]
    if -1 in found:
        stranger = labels.tolist()[found.index(-1)]
        raise Invalid(
            f"The label {str(stranger)[:60]!r} in {whose} is none of the model's classes: "
            f"{', '.join(str(label) for label in known[:10])}.",
            field="--target",
            value=str(stranger),
            remedy="Name the column that holds what the model predicts, with the labels of its training.",
        )
    return np.asarray(found)


def _key(label: Any) -> str:
    if isinstance(label, bool | int | float):
        return str(int(label)) if float(label).is_integer() else str(float(label))
    return str(label)


def _counted(truth: Any, guess: Any, names: list[str]) -> tuple[dict[str, float], Figures]:
    """What labels alone tell."""
    import numpy as np

    size = len(names)
    matrix = np.bincount(truth * size + guess, minlength=size * size).reshape(size, size)
    hits, said, are = np.diag(matrix).astype(float), matrix.sum(axis=0), matrix.sum(axis=1)
    precision = np.divide(hits, said, out=np.zeros(size), where=said > 0)
    recall = np.divide(hits, are, out=np.zeros(size), where=are > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(size), where=both > 0)
    found = {"accuracy": float(hits.sum() / len(truth))}
    if size == 2:
        found |= {"precision": float(precision[1]), "recall": float(recall[1]), "f1": float(f1[1])}
    else:
        seen = (are > 0) | (said > 0)
        found |= {
            "precision": float(precision[seen].mean()),
            "recall": float(recall[seen].mean()),
            "f1": float(f1[seen].mean()),
        }
    if size > 200:
        return found, {}
    return found, {"confusion": Matrix(title="Confusion matrix", labels=names, counts=matrix.tolist())}


def _calibration(positive: Any, score: Any) -> list[tuple[float, float]]:
    """Mean probability and share of positives in bins of the same width."""
    import numpy as np

    places = np.minimum((score * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    means = np.bincount(places, weights=score, minlength=BINS)
    shares = np.bincount(places, weights=positive, minlength=BINS)
    return [
        (float(mean / count), float(share / count))
        for mean, share, count in zip(means, shares, counts, strict=True)
        if count
    ]


def _curve(x: Any, y: Any) -> list[tuple[float, float]]:
    """A curve in few points, ends included."""
    import numpy as np

    if len(x) > CURVE:
        kept = np.unique(np.linspace(0, len(x) - 1, CURVE).astype(int))
        x, y = x[kept], y[kept]
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


def _regression(actual: Any, predictions: Any) -> tuple[dict[str, float], Figures]:
    import numpy as np

    try:
        truth = actual.astype("float64")
    except (TypeError, ValueError):
        raise Invalid(
            "The target is no number in every row, and the model predicts numbers.",
            field="--target",
            remedy="Name the column that holds what the model predicts.",
        ) from None
    if predictions.ndim != 1:
        raise Invalid(
            f"The model gives {predictions.shape[1]} values per row, and there is one target.",
            field="--target",
            remedy="Models with one value or with probabilities per row can be evaluated.",
        )
    guess = predictions.astype("float64")
    error = guess - truth
    spread = float(((truth - truth.mean()) ** 2).sum())
    found = {
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "median_error": float(np.median(np.abs(error))),
        "bias": float(error.mean()),
    }
    if spread > 0:
        found["r2"] = 1.0 - float((error**2).sum()) / spread
    kept = np.unique(np.linspace(0, len(guess) - 1, CLOUD).astype(int))
    cloud = [(float(x), float(y)) for x, y in zip(guess[kept], -error[kept], strict=True) if np.isfinite([x, y]).all()]
    counts, edges = np.histogram(-error[np.isfinite(error)], bins=20)
    middles = (edges[:-1] + edges[1:]) / 2
    return found, {
        "residuals": Points(title="Residuals", x="prediction", y="actual - prediction", points=cloud),
        "errors": Lines(
            title="How often which residual",
            x="actual - prediction",
            y="rows",
            lines={"rows": [(float(a), float(b)) for a, b in zip(middles, counts, strict=True)]},
        ),
    }


def importance(model: Any, columns: Sequence[str] | None) -> Figures:
    """What the model itself says of its features; nothing where it says nothing."""
    import numpy as np

    values: Any = None
    names = list(columns or ())
    core = sys.modules.get("xgboost")
    trees = sys.modules.get("lightgbm")
    what = "importance"
    if core is not None and isinstance(model, (core.Booster, core.XGBModel)):
        booster = model if isinstance(model, core.Booster) else model.get_booster()
        gains = booster.get_score(importance_type="gain")
        return _bars({str(name): float(gain) for name, gain in gains.items()}, "mean gain of its splits")
    if trees is not None and isinstance(model, (trees.Booster, trees.LGBMModel)):
        booster = getattr(model, "booster_", model)
        values, names, what = booster.feature_importance("gain"), booster.feature_name(), "gain of its splits"
    else:
        last = model
        steps = getattr(model, "steps", None)
        if steps:
            last = steps[-1][1]
            try:
                names = [str(name) for name in model[:-1].get_feature_names_out()]
            except Exception:
                names = []
        values = getattr(last, "feature_importances_", None)
        if values is None and (weights := getattr(last, "coef_", None)) is not None:
            weights = np.asarray(weights.toarray() if hasattr(weights, "toarray") else weights)
            values, what = (
                (np.abs(weights).mean(axis=0) if weights.ndim == 2 else np.abs(weights)),
                "size of its coefficient",
            )
    if values is None:
        return {}
    values = np.asarray(values, dtype=float).reshape(-1)
    if len(names) != len(values):
        names = [f"f{place}" for place in range(len(values))]
    return _bars(dict(zip(map(str, names), map(float, values), strict=True)), what)


def _bars(found: Mapping[str, float], what: str) -> Figures:
    ranked = sorted(((name, value) for name, value in found.items() if math.isfinite(value)), key=lambda item: -item[1])
    return {"importance": Bars(title="Features", x=what, bars=ranked[:BARS])} if ranked else {}

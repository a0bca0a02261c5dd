"""scikit-learn through skops: the data that describes an estimator, and no code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format
from jupyter_slml.errors import Invalid

#: The only types that skops may build beyond its own safe ones: what ordinary models are made of.
SKOPS_TYPES = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
    "xgboost.sklearn.XGBRanker",
)


def _is_sklearn(value: object) -> bool:
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(value, base.BaseEstimator)


def _write_sklearn(value: Any, file: BinaryIO) -> None:
    import skops.io

    file.write(skops.io.dumps(value))


def _read_sklearn(path: Path) -> Any:
    import skops.io

    untrusted = [name for name in skops.io.get_untrusted_types(file=path) if name not in SKOPS_TYPES]
    if untrusted:
        raise Invalid(
            f"The stored model contains types that are not allowed: {', '.join(untrusted[:5])}.",
            field="format",
            value="skops",
            remedy="Use estimators of scikit-learn or xgboost alone, or keep the custom steps outside the model.",
        )
    return skops.io.load(path, trusted=list(SKOPS_TYPES))


SKOPS = Format("skops", True, _is_sklearn, _write_sklearn, _read_sklearn)

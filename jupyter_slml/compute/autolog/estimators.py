"""scikit-learn: a training score where it is cheap, the results of searches and of cross-validation; and of every estimator,
also of xgboost's and lightgbm's, some of the rows that it was fitted with."""

from __future__ import annotations

import functools
import inspect
import sys
import time
import types
import warnings
from typing import Any

from jupyter_slml.compute.autolog.recorder import Placement, Recorder

#: Whose estimators are watched.
_LIBRARIES = ("sklearn.", "xgboost.", "lightgbm.")
#: Rows with which a score is tried, to know what all of them would cost.
SAMPLE = 200
#: Candidates of a search that are told one by one.
MOST_CANDIDATES = 1000


def sklearn_wrappers(recorder: Recorder) -> list[Placement]:
    """`fit` of every estimator of the libraries' own, loaded now or later, and `cross_validate`."""
    base = sys.modules["sklearn.base"].BaseEstimator
    placements = _cross_validate_wrappers(recorder)
    todo = [base]
    seen = set()
    while todo:
        for kind in todo.pop().__subclasses__():
            if kind not in seen:
                seen.add(kind)
                todo.append(kind)
                placements += _fit_wrappers(kind, recorder)

    def created(kind: Any, /, **options: Any) -> None:
        super(base, kind).__init_subclass__(**options)
        with recorder.guarded():
            for placement in _fit_wrappers(kind, recorder):
                setattr(*placement)

    if "__init_subclass__" not in base.__dict__:
        placements.append((base, "__init_subclass__", classmethod(created)))
    return placements


def _fit_wrappers(kind: Any, recorder: Recorder) -> list[Placement]:
    """A class of the user's is left alone: it travels by value, and our wrapper would travel with it."""
    original = kind.__dict__.get("fit")
    if not kind.__module__.startswith(_LIBRARIES) or type(original) is not types.FunctionType:
        return []
    scored = kind.__module__.startswith("sklearn.")

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        if recorder.silent:
            return original(self, *args, **kwargs)
        search = "sklearn.model_selection" in type(self).__module__ and hasattr(self, "cv")
        with recorder.call() as outermost:
            if search:
                with recorder.hushed():
                    result = original(self, *args, **kwargs)
            else:
                result = original(self, *args, **kwargs)
        if outermost and not recorder.silent:
            with recorder.guarded():
                given = inspect.signature(original).bind(self, *args, **kwargs).arguments
                _remember(self, given.get("X"), recorder)
                if search:
                    _log_search(self, recorder)
                elif scored:
                    _log_score(self, given, recorder)
        return result

    return [(kind, "fit", fit)]


def _remember(model: Any, features: Any, recorder: Recorder) -> None:
    if features is None:
        return
    recorder.samples.remember(model, features, recorder.budget)
    best = getattr(model, "best_estimator_", None)
    if best is not None:
        recorder.samples.remember(best, features, recorder.budget)


def _log_search(search: Any, recorder: Recorder) -> None:
    results = search.cv_results_
    names = [name for name in results if name.startswith("mean_test_")]
    for step in range(min(len(results["params"]), MOST_CANDIDATES)):
        recorder.log({name: float(results[name][step]) for name in names}, step)
    if hasattr(search, "best_score_"):
        recorder.log({"best_cv_score": float(search.best_score_)})


def _log_score(model: Any, given: dict[str, Any], recorder: Recorder) -> None:
    """`training_score`, unless predicting for all rows would take longer than autolog may."""
    base = sys.modules["sklearn.base"]
    if not (base.is_classifier(model) or base.is_regressor(model)) or recorder.budget <= 0:
        return
    features, target = given.get("X"), given.get("y")
    if features is None or target is None:
        return
    from sklearn.utils import _safe_indexing
    from sklearn.utils.validation import _num_samples

    count = _num_samples(features)
    weights = given.get("sample_weight")
    weighted = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if count > SAMPLE:
            rows = slice(0, SAMPLE)
            begun = time.perf_counter()
            model.score(_safe_indexing(features, rows), _safe_indexing(target, rows))
            if (time.perf_counter() - begun) * count / SAMPLE > recorder.budget:
                return
        recorder.log({"training_score": float(model.score(features, target, **weighted))})


def _cross_validate_wrappers(recorder: Recorder) -> list[Placement]:
    """`cross_val_score` calls it, too."""
    validation = sys.modules.get("sklearn.model_selection._validation")
    if validation is None:
        return []
    original = validation.cross_validate

    @functools.wraps(original)
    def cross_validate(*args: Any, **kwargs: Any) -> Any:
        if recorder.silent:
            return original(*args, **kwargs)
        with recorder.hushed():
            result = original(*args, **kwargs)
        with recorder.guarded():
            for name, scores in result.items():
                if name.startswith("test_"):
                    short = f"cv_{name.removeprefix('test_')}"
                    for fold, score in enumerate(scores):
                        recorder.log({short: float(score)}, fold)
                    recorder.log({f"{short}_mean": float(scores.mean())})
        return result

    return [
        (module, "cross_validate", cross_validate)
        for key, module in list(sys.modules.items())
        if key.startswith("sklearn.model_selection") and getattr(module, "cross_validate", None) is original
    ]

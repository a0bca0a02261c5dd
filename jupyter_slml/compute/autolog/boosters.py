"""xgboost and lightgbm: one point per iteration and evaluation set."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from jupyter_slml.compute.autolog.recorder import Placement, Recorder


def xgboost_wrappers(recorder: Recorder) -> list[Placement]:
    """`train` and `cv`, in every module that holds them: the scikit-learn face calls `train`."""
    from xgboost.callback import TrainingCallback

    class Watch(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            with recorder.guarded():
                values = dict(
                    _latest(f"{data}-{metric}", history[-1])
                    for data, metrics in evals_log.items()
                    for metric, history in metrics.items()
                )
                if values and not recorder.silent:
                    recorder.log(values, epoch)
            return False

    def with_watch(kwargs: dict[str, Any]) -> None:
        # First: a callback that ends the training keeps later ones from seeing the last iteration.
        kwargs["callbacks"] = [Watch(), *(kwargs.get("callbacks") or ())]

    def train_watched(kwargs: dict[str, Any]) -> None:
        if kwargs.get("evals"):
            with_watch(kwargs)

    return [
        *_wrappers(recorder, "xgboost.training", "train", train_watched, lambda dtrain: dtrain),
        *_wrappers(recorder, "xgboost.training", "cv", with_watch),
    ]


def lightgbm_wrappers(recorder: Recorder) -> list[Placement]:
    """`train` and `cv`."""

    def watch(environment: Any) -> None:
        with recorder.guarded():
            values = {f"{item[0]}-{item[1]}": float(item[2]) for item in environment.evaluation_result_list or ()}
            if values and not recorder.silent:
                recorder.log(values, int(environment.iteration))

    # Before early stopping (30), which ends the training by an exception.
    watch.order = 15  # type: ignore[attr-defined]

    def with_watch(kwargs: dict[str, Any]) -> None:
        kwargs["callbacks"] = [*(kwargs.get("callbacks") or ()), watch]

    return [
        # Before the training: the set gives its data up when it is made ready.
        *_wrappers(recorder, "lightgbm.engine", "train", with_watch, lambda train_set: train_set.data),
        *_wrappers(recorder, "lightgbm.engine", "cv", with_watch),
    ]


def _latest(name: str, value: Any) -> tuple[str, float]:
    """`cv` gives (mean, deviation); its table calls the first `test-auc-mean`."""
    return (f"{name}-mean", float(value[0])) if isinstance(value, tuple) else (name, float(value))


def _wrappers(
    recorder: Recorder,
    home: str,
    name: str,
    prepare: Callable[[dict[str, Any]], None],
    rows: Callable[[Any], Any] | None = None,
) -> list[Placement]:
    """Wrap a function wherever its package has bound it; `prepare` may change the keyword arguments of a call, `rows` gives
    the training rows of its second argument, which are remembered for the model that it returns."""
    original = getattr(importlib.import_module(home), name)

    @functools.wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if recorder.silent:
            return original(*args, **kwargs)
        features = None
        with recorder.guarded():
            changed = dict(kwargs)
            prepare(changed)
            if rows is not None:
                given = list(inspect.signature(original).bind(*args, **kwargs).arguments.values())
                features = rows(given[1])
            kwargs = changed
        with recorder.call() as outermost:
            result = original(*args, **kwargs)
        if outermost and features is not None and not recorder.silent:
            with recorder.guarded():
                recorder.samples.remember(result, features, recorder.budget)
        return result

    package = home.partition(".")[0]
    return [
        (module, name, watched)
        for key, module in list(sys.modules.items())
        if (key == package or key.startswith(f"{package}.")) and getattr(module, name, None) is original
    ]

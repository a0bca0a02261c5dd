"""Optuna, as the coordinator uses it: ask, suggest, report, tell, over a study in memory that records rebuild.

The only file that needs Optuna to run a tuning job.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from pydantic import JsonValue

from jupyter_slml.domain import strategies
from jupyter_slml.domain.search import SearchParameter
from jupyter_slml.domain.specs.tuning import TuneOptions
from jupyter_slml.domain.trials import Trial

#: Characters of what a sampler keeps with one trial.
MOST_ATTRS = 64 * 1024
#: A transfer tries so many of an earlier job's best first.
TRANSFERRED = 5

_STATES = {
    "complete": optuna.trial.TrialState.COMPLETE,
    "pruned": optuna.trial.TrialState.PRUNED,
    "failed": optuna.trial.TrialState.FAIL,
}


@dataclass
class Asked:
    """A trial under way."""

    number: int
    trial: optuna.Trial
    params: dict[str, JsonValue]


class Optimizer:
    """`trials` are the job's own from earlier attempts, `known` those of jobs that it learns from."""

    def __init__(
        self,
        options: TuneOptions,
        seed: int,
        trials: Sequence[Trial] = (),
        known: Sequence[Sequence[Trial]] = (),
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # What Optuna finds experimental is nothing to the reader of the job's log.
        warnings.simplefilter("ignore")
        self.options = options
        self.space = options.space
        self._objectives = options.objectives
        more: dict[str, Any] = {"seed": (seed + len(trials)) % 2**31}
        if options.strategy.name == "grid":
            # It remembers what it has tried in the study, if it numbers the points in the same way again.
            more = {"seed": seed, "search_space": {entry.name: entry.points for entry in self.space}}
        pruner = optuna.pruners.NopPruner() if options.pruning is None else strategies.pruner(options.pruning)
        self.study = optuna.create_study(
            directions=[item.direction for item in self._objectives],
            sampler=strategies.sampler(options.strategy, **more),
            pruner=pruner,
        )
        # A grid says when it is through, which Optuna takes as a mistake outside of `optimize`.
        setattr(self.study, "stop", lambda: None)  # noqa: B010
        for name, value in (attrs or {}).items():
            self.study._storage.set_study_system_attr(self.study._study_id, name, value)
        for trial in trials:
            self._add(trial, trial.params, trial.system_attrs)
        self._queue: list[dict[str, JsonValue]] = []
        for earlier in known:
            self._learn(earlier)

    def _learn(self, trials: Sequence[Trial]) -> None:
        names = [item.metric for item in self._objectives]
        done = [item for item in trials if item.state == "complete" and all(name in item.values for name in names)]
        if self.options.warm_mode == "same":
            for trial in done:
                params = trial.params if not self.space else self._within(trial.params)
                if params:
                    self._add(trial, params, {})
            return
        goal = self._objectives[0]
        done.sort(key=lambda item: -item.values[goal.metric] * goal.sign)
        found = [item.params if not self.space else self._within(item.params) for item in done]
        self._queue += [params for params in found if params][:TRANSFERRED]

    def _within(self, params: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
        """Those values that the present space has too; None when one does not fit it."""
        found: dict[str, JsonValue] = {}
        for entry in self.space:
            if entry.applies(found):
                if entry.name not in params or not entry.holds(params[entry.name]):
                    return None
                found[entry.name] = params[entry.name]
        return found

    def _add(self, trial: Trial, params: Mapping[str, JsonValue], attrs: Mapping[str, JsonValue]) -> None:
        state = _STATES.get(trial.state)
        if state is None:
            return
        own = {entry.name: distribution(entry) for entry in self.space}
        distributions = {
            name: own[name] if name in own else optuna.distributions.json_to_distribution(text)
            for name, text in ((name, trial.distributions.get(name, "")) for name in params)
            if name in own or text
        }
        values = [trial.values[item.metric] for item in self._objectives] if trial.state == "complete" else None
        self.study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=values,
                params={name: params[name] for name in distributions},
                distributions=distributions,
                intermediate_values=dict(trial.intermediate),
                system_attrs=dict(attrs),
            )
        )

    def ask(self, number: int, again: Mapping[str, JsonValue] | None = None) -> Asked:
        """The next trial, with the values of the space; `again`: the values of one that was lost under way."""
        fixed = dict(again) if again else self._queue.pop(0) if self._queue else None
        if fixed:
            self.study.enqueue_trial(fixed)
        trial = self.study.ask()
        asked = Asked(number, trial, {})
        for entry in self.space:
            if entry.applies(asked.params):
                asked.params[entry.name] = _plain(_suggest(trial, entry))
        return asked

    def suggest(self, asked: Asked, wanted: Mapping[str, Any]) -> JsonValue:
        """A value for what the cell asks by `trial.suggest_*`. Raises ValueError, also for what --search has."""
        name = str(wanted["name"])
        if any(entry.name == name for entry in self.space):
            raise ValueError(f"{name!r} is searched by --search; read the variable {name}, or leave one of the two out")
        match wanted["kind"]:
            case "categorical":
                value = asked.trial.suggest_categorical(name, wanted["choices"])
            case "int":
                value = asked.trial.suggest_int(name, wanted["low"], wanted["high"], step=wanted["step"], log=wanted["log"])
            case _:
                value = asked.trial.suggest_float(
                    name, wanted["low"], wanted["high"], step=wanted["step"], log=wanted["log"]
                )
        asked.params[name] = _plain(value)
        return asked.params[name]

    def report(self, asked: Asked, step: int, value: float) -> None:
        if len(self._objectives) == 1 and step >= 0:
            asked.trial.report(value, step)

    def should_prune(self, asked: Asked) -> bool:
        return len(self._objectives) == 1 and bool(asked.trial.should_prune())

    def tell(self, asked: Asked, state: str, values: Mapping[str, float]) -> None:
        found = [values[item.metric] for item in self._objectives] if state == "complete" else None
        self.study.tell(asked.trial, found, state=_STATES.get(state, optuna.trial.TrialState.FAIL))

    def distributions(self, asked: Asked) -> dict[str, str]:
        found = asked.trial.distributions
        return {name: optuna.distributions.distribution_to_json(item) for name, item in found.items()}

    def attrs(self, asked: Asked) -> dict[str, JsonValue]:
        """What the sampler keeps with the trial, without which it could not go on after a loss."""
        return _bounded(self.study._storage.get_trial_system_attrs(asked.trial._trial_id))

    def study_attrs(self) -> dict[str, JsonValue]:
        return _bounded(self.study._storage.get_study_system_attrs(self.study._study_id))

    def importances(self) -> dict[str, float]:
        """How much each parameter matters for the first objective; empty where that cannot be said."""
        try:
            sign = self._objectives[0].sign
            # Low is good, for the evaluator.
            target = None if len(self._objectives) == 1 else lambda trial: -sign * trial.values[0]
            found = optuna.importance.get_param_importances(self.study, target=target)
        except (RuntimeError, ValueError, ImportError):
            return {}
        return {name: round(float(value), 6) for name, value in found.items() if math.isfinite(value)}


def distribution(entry: SearchParameter) -> optuna.distributions.BaseDistribution:
    match entry.kind:
        case "choice":
            return optuna.distributions.CategoricalDistribution(_choices(entry))
        case "int":
            return optuna.distributions.IntDistribution(
                int(entry.low), int(entry.high), log=entry.log, step=int(entry.step or 1)
            )
    return optuna.distributions.FloatDistribution(entry.low, entry.high, log=entry.log, step=entry.step)


def _suggest(trial: optuna.Trial, entry: SearchParameter) -> Any:
    match entry.kind:
        case "choice":
            return trial.suggest_categorical(entry.name, _choices(entry))
        case "int":
            return trial.suggest_int(entry.name, int(entry.low), int(entry.high), step=int(entry.step or 1), log=entry.log)
    return trial.suggest_float(entry.name, entry.low, entry.high, step=entry.step, log=entry.log)


def _choices(entry: SearchParameter) -> list[Any]:
    """Numbers, texts, bools and None: `parse_space` takes no others."""
    return list(entry.choices)


def _plain(value: Any) -> JsonValue:
    found: JsonValue = value.item() if hasattr(value, "item") else value
    return found


def _bounded(attrs: Mapping[str, Any]) -> dict[str, JsonValue]:
    """What JSON takes, without what only the order of asking needs."""
    found: dict[str, JsonValue] = {}
    size = 0
    for name, value in attrs.items():
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            continue
        size += len(text)
        if size <= MOST_ATTRS and name != "fixed_params":
            found[name] = json.loads(text)
    return found

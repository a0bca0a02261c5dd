"""What a trial's code sees: `trial` as Optuna's objectives know it, and `slml` with the trial's own metrics."""

from __future__ import annotations

import datetime
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, SupportsFloat

from pydantic import JsonValue

from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.handle import JobHandle
from jupyter_slml.compute.wire import Link

#: Points wait this long for others before they are sent, unless one needs an answer.
DELAY = 0.25


class Pruned(BaseException):
    """The trial is not worth going on. No Exception, so that a handler around a training loop does not swallow it."""


class Reports:
    """The trial's words to the coordinator. `goal` is the metric by which it is pruned; None when nothing is."""

    def __init__(self, link: Link, goal: str, prunes: bool) -> None:
        self._link = link
        self._goal = goal
        self._prunes = prunes
        self._points: list[tuple[Mapping[str, float], int | None]] = []
        self._sent = time.monotonic()
        #: Last value of each metric.
        self.last: dict[str, float] = {}

    def point(self, values: Mapping[str, float], step: int | None) -> None:
        """A point of metrics. Raises Pruned when the trial shall end."""
        self.last.update(values)
        self._points.append((dict(values), step))
        asks = self._prunes and step is not None and self._goal in values
        if asks or time.monotonic() - self._sent > DELAY:
            self.flush()
        if asks and self.ask({"prune": True})["prune"]:
            raise Pruned

    def flush(self) -> None:
        if self._points:
            self._link.send({"points": self._points})
        self._points, self._sent = [], time.monotonic()

    def say(self, message: dict[str, Any]) -> None:
        self.flush()
        self._link.send(message)

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self.say(message)
        answer = self._link.receive()
        if answer is None:
            raise SystemExit(1)
        return answer


class TuningHandle(JobHandle):
    """`slml` in a tuning job: the job's in the prefix, the trial's from `enter` on. The same object, for functions that
    travelled keep the one that they found first."""

    reports: Reports | None = None
    _goals: tuple[str, ...] = ()

    def enter(self, reports: Reports, parameters: dict[str, Any], folder: Path, goals: Sequence[str]) -> None:
        """From now on this is a trial's, in its own process."""
        self.reports = reports
        self.parameters = MappingProxyType(parameters)
        self.output_dir = folder / "output"
        self.checkpoint_dir = self.checkpoint_dir / folder.name
        self._own = set()
        self._goals = tuple(goals)
        #: Objectives whose last value is no number that counts.
        self.bad: dict[str, float] = {}

    def log(self, step: int | None = None, /, **metrics: SupportsFloat) -> None:
        super().log(step, **metrics)
        self._judge({name: float(metrics[name]) for name in self._goals if name in metrics})

    def record_unasked(self, values: Mapping[str, float], step: int | None) -> None:
        super().record_unasked(values, step)
        self._judge({name: values[name] for name in self._goals if name in values and name not in self._own})

    def _judge(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.bad.pop(name, None)
            if not math.isfinite(value):
                self.bad[name] = value

    def _say(self, values: dict[str, float], step: int | None) -> None:
        if self.reports is None:
            super()._say(values, step)
        else:
            self.reports.point(values, step)


class TrialChannel(Channel):
    """Displays are kept: those of the best trial become the job's."""

    def __init__(self) -> None:
        super().__init__(2)
        self.displays: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> bool:
        if message["kind"] == "display":
            self.displays.append(message["output"])
        return True


class Trial:
    """`trial` in the cell: an Optuna trial whose study lives in another process."""

    def __init__(self, reports: Reports, number: int, params: dict[str, JsonValue], directions: Sequence[str]) -> None:
        self._reports = reports
        self.number = number
        self._params = dict(params)
        self._attrs: dict[str, Any] = {}
        self._distributions: dict[str, dict[str, Any]] = {}
        self.datetime_start = datetime.datetime.now()
        self.study = StudyView(reports, directions)

    def __repr__(self) -> str:
        return f"<trial {self.number}: {self._params}>"

    @property
    def params(self) -> dict[str, Any]:
        return dict(self._params)

    @property
    def user_attrs(self) -> dict[str, Any]:
        return dict(self._attrs)

    @property
    def distributions(self) -> Any:
        return MappingProxyType(self._distributions)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        wanted = {"kind": "float", "low": float(low), "high": float(high), "step": step, "log": log}
        return float(self._suggest(name, wanted))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._suggest(name, {"kind": "int", "low": int(low), "high": int(high), "step": int(step), "log": log}))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        given = list(choices)
        for item in given:
            if not isinstance(item, (bool, int, float, str, type(None))):
                raise ValueError(
                    f"suggest_categorical({name!r}): {item!r:.80} is a {type(item).__name__}; choices are numbers, texts, "
                    "True, False and None. Suggest a name and look the object up: "
                    f"table[trial.suggest_categorical({name!r}, list(table))]."
                )
        return self._suggest(name, {"kind": "categorical", "choices": given})

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        return self.suggest_float(name, low, high, step=q)

    def _suggest(self, name: str, wanted: dict[str, Any]) -> Any:
        answer = self._reports.ask({"suggest": {"name": name, **wanted}})
        if "error" in answer:
            raise ValueError(answer["error"])
        self._params[name] = answer["value"]
        self._distributions[name] = wanted
        return answer["value"]

    def report(self, value: float, step: int) -> None:
        self._reports.say({"report": float(value), "step": int(step)})

    def should_prune(self) -> bool:
        return bool(self._reports.ask({"prune": True})["prune"])

    def set_user_attr(self, key: str, value: Any) -> None:
        self._attrs[key] = value
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            value = repr(value)[:1000]
        self._reports.say({"attr": key, "value": value})

    def __reduce__(self) -> NoReturn:
        raise TypeError("a trial belongs to its process; pass on what you need of it, such as trial.params")


class StudyView:
    """`trial.study`: what an objective asks of its study."""

    def __init__(self, reports: Reports, directions: Sequence[str]) -> None:
        self._reports = reports
        self.directions = list(directions)

    @property
    def direction(self) -> str:
        return self.directions[0]

    def stop(self) -> None:
        """No further trial begins."""
        self._reports.say({"stop": True})

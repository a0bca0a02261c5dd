"""Trials of a tuning job: their record, and how the lines that attempts left become one list.

The coordinator appends lines to `attempts/<attempt>/trials`. A line is a *head* (first of an attempt: how many lines of each
earlier attempt it builds upon), or a trial as far as it is known: started, under way, ended. Later lines about a trial
complete earlier ones. Lines that an earlier attempt wrote after it had been given up count for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.outcomes import Artifact, CellError
from jupyter_slml.domain.specs.tuning import Objective

#: `stopped`: it was running when the job ended, or an attempt was lost that did not come again.
TrialState = Literal["running", "complete", "pruned", "failed", "stopped"]

#: Points of one trial's curve that are kept.
MOST_POINTS = 200


class Trial(Frozen):
    """One configuration that was tried. Times are epoch seconds by the host's clock."""

    number: int = Field(ge=0)
    state: TrialState
    #: Attempt of the job in which it ran last.
    attempt: int = 1
    params: dict[str, JsonValue] = Field(default_factory=dict)
    #: By parameter, Optuna's distribution as JSON text.
    distributions: dict[str, str] = Field(default_factory=dict)
    #: By objective; empty unless it is complete.
    values: dict[str, float] = Field(default_factory=dict)
    #: The objective as it was logged on the way: [step, value].
    intermediate: list[tuple[int, float]] = Field(default_factory=list)
    #: Last value of each metric.
    metrics: dict[str, float] = Field(default_factory=dict)
    started_at: float | None = None
    ended_at: float | None = None
    cpu_seconds: float | None = None
    #: Bytes over what it shares with the others.
    peak_memory: int | None = None
    #: Seed of its random numbers.
    seed: int | None = None
    #: Why it failed: `exception`, `memory`, `exit`, `objective`, `disk`, `output`; and one sentence.
    reason: str = ""
    message: str = ""
    error: CellError | None = None
    user_attrs: dict[str, JsonValue] = Field(default_factory=dict)
    #: What Optuna's sampler keeps with a trial.
    system_attrs: dict[str, JsonValue] = Field(default_factory=dict)
    #: What it left, when it was the best (or on the Pareto front) at its end.
    outputs: list[Artifact] = Field(default_factory=list)
    files: list[Artifact] = Field(default_factory=list)
    skipped: dict[str, str] = Field(default_factory=dict)
    displays: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    #: Seconds that the job has been at work when it ended, over all attempts.
    spent: float = 0.0

    @property
    def seconds(self) -> float | None:
        return None if self.started_at is None or self.ended_at is None else max(0.0, self.ended_at - self.started_at)


class Study(Frozen):
    """What is known of a tuning job's trials."""

    trials: list[Trial] = Field(default_factory=list)
    #: How the cell was divided, as the last attempt found it: last line that ran once (0: none), and why not more.
    hoisted: int = 0
    hoist_note: str = ""
    #: How many trials it runs at once, and at most in all.
    parallel: int = 0
    most: int = 0
    #: Importance of each parameter (sums to 1), once it was computed.
    importances: dict[str, float] = Field(default_factory=dict)
    #: Why the search ended.
    ended: str = ""
    #: Lines by number of the attempt.
    lines: dict[int, int] = Field(default_factory=dict)
    study_attrs: dict[str, JsonValue] = Field(default_factory=dict)


def fold(lines: Iterable[tuple[int, Mapping[str, Any]]], *, final: bool = False) -> Study:
    """The trials that lines of attempts (number of the attempt, line; in order) tell of. `final`: the job has ended."""
    by_attempt: dict[int, list[Mapping[str, Any]]] = {}
    for attempt, line in lines:
        by_attempt.setdefault(attempt, []).append(line)
    counted = {attempt: len(found) for attempt, found in by_attempt.items()}
    for found in by_attempt.values():
        for attempt, count in (found[0].get("head", {}).get("seen") or {}).items():
            number = int(attempt)
            by_attempt[number] = by_attempt.get(number, [])[: int(count)]
    trials: dict[int, dict[str, Any]] = {}
    about: dict[str, Any] = {}
    last = max(by_attempt, default=0)
    for attempt, found in sorted(by_attempt.items()):
        for line in found:
            about |= {key: value for key, value in (line.get("head") or {}).items() if key != "seen"}
            about |= line.get("study") or {}
            if (part := line.get("trial")) is not None:
                known = trials.setdefault(part["number"], {})
                if part.get("state") == "running" and "params" in part:
                    # From the beginning: an earlier attempt was lost under way.
                    known.clear()
                known.update(part, attempt=attempt)
    for known in trials.values():
        if known.get("state") == "running" and (final or known["attempt"] < last):
            known["state"] = "stopped"
    return Study(
        trials=[Trial.model_validate(known) for _, known in sorted(trials.items()) if "state" in known],
        lines=counted,
        **about,
    )


def better(value: float, than: float | None, objective: Objective) -> bool:
    return than is None or value * objective.sign > than * objective.sign


def front(trials: Iterable[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """The complete trials that no other beats in all objectives: the Pareto front; with one objective, the best."""
    done = [trial for trial in trials if trial.state == "complete"]
    if len(objectives) == 1:
        found = best(done, objectives)
        return [found] if found else []
    return [trial for trial in done if not any(_dominates(other, trial, objectives) for other in done)]


def best(trials: Iterable[Trial], objectives: Sequence[Objective]) -> Trial | None:
    """The trial whose outputs are the job's: the earliest of the best; of a Pareto front, the one that is nearest to the
    best of every objective, each scaled to the front's range."""
    done = [trial for trial in trials if trial.state == "complete"]
    if not done:
        return None
    if len(objectives) == 1:
        goal = objectives[0]
        return max(done, key=lambda trial: (trial.values[goal.metric] * goal.sign, -trial.number))
    edge = front(done, objectives)

    def distance(trial: Trial) -> float:
        total = 0.0
        for goal in objectives:
            found = [item.values[goal.metric] * goal.sign for item in edge]
            width = max(found) - min(found)
            if width > 0:
                total += ((max(found) - trial.values[goal.metric] * goal.sign) / width) ** 2
        return math.sqrt(total)

    return min(edge, key=lambda trial: (distance(trial), trial.number))


def _dominates(one: Trial, other: Trial, objectives: Sequence[Objective]) -> bool:
    pairs = [(one.values[goal.metric] * goal.sign, other.values[goal.metric] * goal.sign) for goal in objectives]
    return all(first >= second for first, second in pairs) and any(first > second for first, second in pairs)


def thinned(points: Sequence[tuple[int, float]], most: int = MOST_POINTS) -> list[tuple[int, float]]:
    """At most so many points, the last one among them."""
    if len(points) <= most:
        return list(points)
    stride = math.ceil(len(points) / most)
    return [*points[:-1:stride], points[-1]]

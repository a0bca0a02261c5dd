"""A search as a card shows it: bounded, however many trials there are."""

from __future__ import annotations

from collections import Counter

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.specs import Objective
from jupyter_slml.domain.trials import Trial
from jupyter_slml.domain.views import TrialList

#: Trials whose parameters are shown: those on the front, and the newest.
MOST_TRIALS = 150
#: Points of the history.
MOST_POINTS = 1000
#: Failures that are told.
MOST_FAILED = 3


class ShownTrial(Frozen):
    number: int
    params: dict[str, JsonValue]
    values: dict[str, float]
    started_at: float | None
    seconds: float | None
    #: Step and value of the objective that it logged last.
    last: tuple[int, float] | None
    message: str


class SearchView(Frozen):
    """What is known of a search."""

    objectives: list[Objective]
    #: Trials by state; how many may run, in all and at once.
    counts: dict[str, int]
    most: int
    parallel: int
    #: Last line of the cell that ran once, and why not more.
    hoisted: int
    hoist_note: str
    ended: str
    importances: dict[str, float]
    best: ShownTrial | None
    front: list[int]
    #: Number of the trial, then its value of each objective.
    history: list[list[float]]
    trials: list[ShownTrial] = Field(description="Complete ones.")
    running: list[ShownTrial]
    failed: list[ShownTrial] = Field(description="The newest.")


def search_view(found: TrialList) -> SearchView:
    goals = [item.metric for item in found.objectives]
    done = [trial for trial in found.trials if trial.state == "complete"]
    edge = set(found.front[:MOST_TRIALS])
    chosen = {trial.number for trial in done[-MOST_TRIALS:]} | edge
    best = next((trial for trial in done if trial.number == found.best), None)
    return SearchView(
        objectives=found.objectives,
        counts=dict(Counter(trial.state for trial in found.trials)),
        most=found.most,
        parallel=found.parallel,
        hoisted=found.hoisted,
        hoist_note=found.hoist_note,
        ended=found.ended,
        importances=found.importances,
        best=None if best is None else _shown(best),
        front=sorted(edge),
        history=[[item.number, *(item.values[goal] for goal in goals)] for item in done][-MOST_POINTS:],
        trials=[_shown(item) for item in done if item.number in chosen],
        running=[_shown(item) for item in found.trials if item.state == "running"],
        failed=[_shown(item) for item in found.trials if item.state == "failed"][-MOST_FAILED:],
    )


def _shown(trial: Trial) -> ShownTrial:
    return ShownTrial(
        number=trial.number,
        params=trial.params,
        values=trial.values,
        started_at=trial.started_at,
        seconds=trial.seconds,
        last=trial.intermediate[-1] if trial.intermediate else None,
        message=trial.message,
    )

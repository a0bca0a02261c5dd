"""The trials of a tuning job in Python: a table, the best, Optuna's own study."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from jupyter_slml.domain.searches import search_view
from jupyter_slml.errors import NotFound
from jupyter_slml.notebook.outputs import Output

if TYPE_CHECKING:
    from jupyter_slml.domain.outcomes import Artifact
    from jupyter_slml.domain.records import Job
    from jupyter_slml.domain.trials import Trial
    from jupyter_slml.domain.views import TrialList
    from jupyter_slml.notebook.session import Session

_OWN = ("number", "state")
_LAST = ("seconds", "cpu_seconds", "started", "reason", "message")


class TrialHandle:
    """One trial: `params`, `value` or `values`, `metrics`, and `outputs` where it was the best (or on the front)."""

    def __init__(self, session: Session, job: str, record: Trial) -> None:
        self._session = session
        self.record = record
        self.job = job
        self.number = record.number
        self.state = record.state
        self.params = dict(record.params)
        self.values = dict(record.values)
        self.metrics = dict(record.metrics)
        self.user_attrs = dict(record.user_attrs)
        self.outputs = {item.name: TrialOutput(session, job, item) for item in record.outputs}

    @property
    def value(self) -> float | None:
        """Of the (first) objective; None unless it is complete."""
        return next(iter(self.values.values()), None)

    @property
    def reason(self) -> str:
        """Why it failed."""
        return self.record.message

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.values.items())
        params = ", ".join(f"{name}={shown(value)}" for name, value in self.params.items())
        return f"<trial {self.number}: {self.state}{f', {values}' if values else ''}; {params or 'no parameters'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a trial's handle stays in the notebook; bind what you need of it first: best = job.best.params")


class TrialOutput(Output):
    """An output of a trial that need not be the job's."""

    def __init__(self, session: Session, job: str, artifact: Artifact) -> None:
        super().__init__(session, job, artifact)
        self._client = session.client

    def _fetch(self, file: BinaryIO) -> str:
        self._client.blobs.fetch(self.digest, file)
        return self.format


class Tuned:
    """The trials as they were when they were read."""

    def __init__(self, session: Session, job: Job, found: TrialList) -> None:
        self._session = session
        self._job = job
        self.found = found
        #: Whether nothing more will come.
        self.is_whole = job.state.is_final

    def trial(self, number: int) -> TrialHandle:
        """Raises NotFound."""
        for record in self.found.trials:
            if record.number == number:
                return TrialHandle(self._session, self._job.id, record)
        raise NotFound(
            f"Job {self._job.id} has no trial {number}.",
            field="number",
            value=number,
            remedy=f"It has {len(self.found.trials)}; `job.trials` lists them.",
        )

    def best(self) -> TrialHandle:
        """Raises NotFound."""
        if self.found.best is None:
            raise NotFound(
                f"Job {self._job.id} ({self._job.state.value}) has no complete trial.",
                field="job",
                value=self._job.id,
                remedy="`job.trials` shows what became of each." if self.found.trials else "Wait for it: job.wait().",
            )
        return self.trial(self.found.best)

    def front(self) -> list[TrialHandle]:
        return [self.trial(number) for number in self.found.front]

    def frame(self) -> Any:
        """A DataFrame with a row for each trial. A parameter whose name is taken is called `params_NAME`."""
        import pandas

        goals = [item.metric for item in self.found.objectives]
        names = list(dict.fromkeys(name for trial in self.found.trials for name in trial.params))
        taken = {*_OWN, *_LAST, *goals}
        columns = {name: f"params_{name}" if name in taken else name for name in names}
        rows = [
            {
                "number": trial.number,
                "state": trial.state,
                **{goal: trial.values.get(goal) for goal in goals},
                **{columns[name]: trial.params.get(name) for name in names},
                "seconds": trial.seconds,
                "cpu_seconds": trial.cpu_seconds,
                "started": trial.started_at,
                "reason": trial.reason,
                "message": trial.message,
            }
            for trial in self.found.trials
        ]
        frame = pandas.DataFrame(rows, columns=[*_OWN, *goals, *columns.values(), *_LAST])
        return frame.assign(started=pandas.to_datetime(frame["started"], unit="s", utc=True))

    def study(self) -> Any:
        """An `optuna.Study` in memory. Raises NotFound where Optuna is not installed."""
        try:
            import optuna
        except ImportError:
            raise NotFound("Optuna is not installed here.", remedy="%pip install optuna") from None
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.create_study(
                study_name=f"{self._job.name} ({self._job.id})",
                directions=[item.direction for item in self.found.objectives],
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([item.metric for item in self.found.objectives])
            study.add_trials([_frozen(optuna, trial, self.found) for trial in self.found.trials])
        finally:
            optuna.logging.set_verbosity(before)
        return study

    def summary(self) -> dict[str, Any]:
        """What a card shows: JSON."""
        return search_view(self.found).model_dump(mode="json")


def shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _frozen(optuna: Any, trial: Trial, found: TrialList) -> Any:
    states = optuna.trial.TrialState
    state = {"complete": states.COMPLETE, "pruned": states.PRUNED, "running": states.RUNNING}.get(trial.state, states.FAIL)
    distributions = {
        name: optuna.distributions.json_to_distribution(trial.distributions[name])
        for name in trial.params
        if name in trial.distributions
    }
    frozen = optuna.trial.create_trial(
        # Optuna makes no running trial by hand.
        state=state if state is not states.RUNNING else states.FAIL,
        values=[trial.values[item.metric] for item in found.objectives] if state is states.COMPLETE else None,
        params={name: trial.params[name] for name in distributions},
        distributions=distributions,
        user_attrs={**trial.user_attrs, **_more(trial)},
        intermediate_values=dict(trial.intermediate),
    )
    return frozen


def _more(trial: Trial) -> Mapping[str, Any]:
    """What Optuna has no place for."""
    told = {"slml_number": trial.number, "slml_state": trial.state}
    return told | ({"slml_message": trial.message} if trial.message else {})

"""The name `slml` of a notebook: the same verbs as the magics, and `slml.log`, which a job has too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_slml import here
from jupyter_slml.domain.specs import BatchOptions
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook import tune
from jupyter_slml.notebook.batch import BatchLine, batch
from jupyter_slml.notebook.catalogue import delete_jobs, find, list_jobs, stop_jobs
from jupyter_slml.notebook.config import Config
from jupyter_slml.notebook.deployments import Endpoints
from jupyter_slml.notebook.difference import Difference
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.line import OPTIONS
from jupyter_slml.notebook.registry import Models
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table
from jupyter_slml.notebook.tokens import Tokens
from jupyter_slml.notebook.train import prepare

#: What a submitted function's value is called in the job.
RESULT = "result"
_ARGUMENTS = "_arguments"


class Jobs:
    """`slml.jobs`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def submit(
        self,
        work: str | Callable[..., Any],
        *arguments: Any,
        namespace: Mapping[str, Any] | None = None,
        capture: Sequence[str] = (),
        no_capture: Sequence[str] = (),
        **options: Any,
    ) -> JobHandle:
        """Run source text, or call a function with `arguments`, as a job; returns at once.

        `options` are those of `%%train` (`name=`, `parameters=`, `outputs=`, `instance=`, `register_as=`, …); `namespace`
        adds names that the source may read. A function's value is the output `result`: `job.result()` gives it.
        Raises what `%%train` raises before a submit.
        """
        extra = dict(namespace or {})
        if callable(work):
            name = getattr(work, "__name__", "work")
            name = name if name.isidentifier() and name != RESULT else "work"
            options.setdefault("name", name.lstrip("_") or "work")
            options.setdefault("outputs", [RESULT])
            extra |= {name: work, _ARGUMENTS: arguments}
            source = f"{RESULT} = {name}(*{_ARGUMENTS})\n"
            if inspect.iscoroutinefunction(work):
                source = source.replace("= ", "= await ")
        elif isinstance(work, str) and not arguments:
            source = work
        else:
            raise Invalid(
                f"A job is made of source text or of a function, not of type {type(work).__name__}."
                if not isinstance(work, str)
                else "Source text takes no arguments.",
                field="work",
                remedy="Pass names through `namespace={…}` or `parameters={…}`.",
            )
        unknown = [key for key in options if key not in OPTIONS.model.model_fields]
        if unknown:
            raise Invalid(
                f"There is no option {unknown[0]!r}.",
                field=unknown[0],
                remedy=f"Options: {', '.join(OPTIONS.model.model_fields)}.",
            )
        line = OPTIONS.model.parse({**options, "capture": list(capture), "no_capture": list(no_capture)})
        order = prepare(self._session, line, source, [], extra)
        try:
            return order.submit()
        finally:
            order.cargo.close()

    def batch(self, model: str, input: Any, output: str, **options: Any) -> JobHandle:
        """Predict files (a URI, a path, or a list of them) or a DataFrame with a registered model; returns at once.

        `options` are those of `%batch` (`keep=["id"]`, `max_errors="1%"`, `instance=`, `resume=True`, …). Raises what
        `%batch` raises before a submit.
        """
        unknown = [key for key in options if key not in BatchLine.model_fields or key == "dry_run"]
        if unknown:
            raise Invalid(
                f"There is no option {unknown[0]!r}.",
                field=unknown[0],
                remedy=f"Options: {', '.join(BatchOptions.model_fields)}; and those of every job.",
            )
        items = list(input) if isinstance(input, (list, tuple)) else [input]
        line = BatchLine.parse({"wait": False, **options, "model": model, "input": items, "output": output})
        made = batch(self._session, line)
        assert isinstance(made, JobHandle)
        return made

    def tune(
        self, work: str | Callable[..., Any], *, namespace: Mapping[str, Any] | None = None, **options: Any
    ) -> JobHandle:
        """Search: source text with the options of `%%tune` (`search=["depth=3..9"]`, `maximize=["auc"]`, …), or an Optuna
        objective that takes a trial; returns at once. Raises what `%%tune` raises before a submit.
        """
        return tune.submit(self._session, work, namespace or {}, options)

    def get(self, job: str) -> JobHandle:
        """By id, or the newest of that name. Raises NotFound."""
        return find(self._session, job)

    def stop_all(self, *jobs: str | JobHandle, states: Sequence[str] = (), name: str | None = None) -> Table:
        """Stop the given jobs, or all unfinished ones in these states and of this name. Raises NotFound."""
        return stop_jobs(self._session, _words(jobs), states=states, name=name)

    def delete(self, *jobs: str | JobHandle, states: Sequence[str] = (), name: str | None = None) -> Table:
        """Delete the given jobs, or all ended ones in these states or of this name. Raises NotFound, Conflict, Invalid."""
        if not jobs and not states and name is None:
            raise Invalid(
                "slml.jobs.delete() does not know which jobs are meant.",
                field="jobs",
                remedy='For example: slml.jobs.delete("job-1f3a9c0b2e44"), slml.jobs.delete(states=["failed"]).',
            )
        return delete_jobs(self._session, _words(jobs), states=states, name=name)

    def diff(self, before: str | JobHandle, after: str | JobHandle) -> Difference:
        """What changed from one job to another: code, inputs, parameters, packages, options, metrics. Raises NotFound."""
        return Difference(self._session.client.jobs.diff(*_words([before, after])))

    def list(self, *, states: Sequence[str] = (), name: str | None = None, limit: int = 20) -> Table:
        return list_jobs(self._session, states=list(states), name=name, limit=limit)

    def __repr__(self) -> str:
        return repr(self.list())

    def _repr_html_(self) -> str:
        return self.list()._repr_html_()


def _words(jobs: Sequence[str | JobHandle]) -> list[str]:
    return [job.id if isinstance(job, JobHandle) else job for job in jobs]


class Slml:
    """What `%load_ext jupyter_slml` binds as `slml`. Never captured: a job has its own, with the same `log`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.jobs = Jobs(session)
        self.models = Models(session)
        self.endpoints = Endpoints(session)
        self.tokens = Tokens(session)
        #: What `log` was given in this notebook: `(step, values)`.
        self.logged: list[tuple[int | None, dict[str, float]]] = []

    def job(self, job: str | None = None) -> JobHandle:
        """A job's handle by id or name, also after a restart of the kernel; None means the last one. Raises NotFound."""
        return find(self._session, job)

    def log(self, *, step: int | None = None, **values: float) -> None:
        """Log metrics. In a job they reach the notebook; here they are kept in `slml.logged`, so that a cell runs in both.

        Raises Invalid for what is no number.
        """
        ready: dict[str, float] = {}
        for name, value in values.items():
            try:
                ready[name] = float(value)
            except (TypeError, ValueError):
                raise Invalid(
                    f"slml.log({name}=…): a value of type {type(value).__name__} is no number.",
                    field=name,
                    remedy="Log numbers; print anything else, the log keeps it.",
                ) from None
        self.logged.append((step, ready))

    @property
    def config(self) -> Config:
        """The workspace's settings (`jupyter slml config` changes them), and `warn_bytes` of this kernel."""
        return Config(self._session)

    def __repr__(self) -> str:
        return "<slml: jobs, models, endpoints, tokens, job(), log(), config>"

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        # Wherever it arrives, it is the `slml` of that place.
        return here.get, ()

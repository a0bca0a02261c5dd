"""A job in Python: state, log, metrics, outputs, stop; awaitable; drawn as its card."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import Conflict, JobFailed, NotFound, SlmlError
from jupyter_slml.notebook.card import bundle, job_payload, text
from jupyter_slml.notebook.frames import in_notebook
from jupyter_slml.notebook.history import Curves, as_table, chosen
from jupyter_slml.notebook.live import LogTail
from jupyter_slml.notebook.outputs import Output, Outputs
from jupyter_slml.notebook.papers import ExecutedCell, OutputFiles
from jupyter_slml.notebook.parts import Predicted, as_frame
from jupyter_slml.notebook.patience import patiently
from jupyter_slml.notebook.plot import Plot
from jupyter_slml.notebook.trials import TrialHandle, Tuned

if TYPE_CHECKING:
    from jupyter_slml.domain.records import Job
    from jupyter_slml.domain.views import LogPage
    from jupyter_slml.notebook.session import Session

#: Points of each metric in a plot.
_PLOTTED = 1000
#: Seconds of one long poll: how late an interrupt of a waiting thread may be noticed.
_POLL = 20.0


class JobHandle:
    """A job of this workspace. Everything is asked of the daemon when it is read, until the job is final."""

    def __init__(self, session: Session, record: Job) -> None:
        self._session = session
        self._record = record
        self._outputs: Outputs | None = None
        self._curves = Curves(session.client, record.id)
        self._tuned: Tuned | None = None
        #: Set by the magic that has drawn the card already.
        self.drawn = False

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def record(self) -> Job:
        """The daemon's record, as new as can be."""
        if not self._record.state.is_final:
            self.update(self._session.client.jobs.get(self._record.id))
        return self._record

    def update(self, record: Job) -> Job:
        """Take a newer record that somebody else has read."""
        if record.revision >= self._record.revision:
            self._record = record
        return self._record

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def state(self) -> str:
        return self.record.state.value

    @property
    def is_final(self) -> bool:
        """Whether it had ended when the daemon was asked last."""
        return self._record.state.is_final

    @property
    def reason(self) -> str:
        """Why it is in that state: what a pending job waits for, what ended a failed one."""
        record = self.record
        return record.outcome.message if record.outcome and record.outcome.message else record.reason

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric that the cell logged."""
        return dict(self.record.metrics)

    @property
    def history(self) -> Any:
        """Every logged point of every attempt: a DataFrame with `step`, `time`, `attempt` and a column for each metric when
        pandas is loaded, else dicts `{attempt, t, step, values}`."""
        return as_table(self._session.client.jobs.metrics(self.id).points)

    def plot(self, *metrics: str) -> Plot:
        """The curves of these metrics, or of all. Raises Invalid for one that was not logged."""
        found = chosen(self._session.client.jobs.metrics(self.id).points, metrics, _PLOTTED)
        return Plot(f"{self.name} ({self.id})", found)

    @property
    def trials(self) -> Any:
        """Of a tuning job: each trial as a row of a DataFrame (number, state, objectives, parameters, times, reason)."""
        return self.tuned.frame()

    @property
    def best(self) -> TrialHandle:
        """Of a tuning job: the best trial so far. Raises NotFound before the first is complete."""
        return self.tuned.best()

    @property
    def front(self) -> list[TrialHandle]:
        """Of a tuning job with several objectives: the trials that no other beats in all of them."""
        return self.tuned.front()

    def trial(self, number: int) -> TrialHandle:
        """One trial of a tuning job. Raises NotFound."""
        return self.tuned.trial(number)

    @property
    def study(self) -> Any:
        """Of a tuning job: its trials as an `optuna.Study`, for Optuna's own plots."""
        return self.tuned.study()

    @property
    def tuned(self) -> Tuned:
        """The trials of a tuning job. Raises Conflict for a job of another kind."""
        if self._tuned is None or not self._tuned.is_whole:
            self._tuned = Tuned(self._session, self.record, self._session.client.jobs.trials(self.id))
        return self._tuned

    @property
    def parts(self) -> Any:
        """Of a batch job: each part that was begun as a row of a DataFrame (state, rows, errors, file, bytes, sha256, …)."""
        return as_frame(self._session.client.jobs.parts(self.id))

    @property
    def errors(self) -> Any:
        """Of a batch job: the records that failed, as a DataFrame of file, row, reason and count; the first 10,000."""
        return Predicted(self.record).errors(10_000)

    def preview(self, rows: int = 10) -> Any:
        """Of a batch job: the first rows of its output, as a DataFrame. Raises NotFound before the first part."""
        return Predicted(self.record).preview(rows)

    @property
    def output(self) -> str:
        """Of a batch job: where its parts are."""
        return Predicted(self.record).uri

    @property
    def registered(self) -> str | None:
        """`name@version` of the model that it registered."""
        return self.record.registered

    @property
    def source(self) -> str:
        return self._record.spec.source

    @property
    def outputs(self) -> Outputs:
        """Lazy handles by name: `job.outputs["model"].load()`."""
        record = self.record
        if self._outputs is None or not len(self._outputs):
            artifacts = record.outcome.outputs if record.outcome else []
            self._outputs = Outputs(self, {item.name: Output(self._session, self.id, item) for item in artifacts})
        return self._outputs

    @property
    def files(self) -> OutputFiles:
        """What the cell wrote below `slml.output_dir`, by relative path: `job.files["report.html"].save("here.html")`."""
        record = self.record
        return OutputFiles(self._session, record, record.outcome.files if record.outcome else [])

    def notebook(self) -> ExecutedCell:
        """The executed cell with its outputs as a notebook. Raises Conflict before the end, NotFound when nothing ran."""
        record = self.record
        if not record.state.is_final:
            raise Conflict(
                f"Job {self.id} is {record.state.value}: its notebook comes when it has ended.",
                field="job",
                value=self.id,
                remedy="Wait for it first: job.wait().",
            )
        if record.outcome is None or record.outcome.notebook is None:
            raise NotFound(f"Job {self.id} has no notebook: its cell did not run.", field="job", value=self.id)
        return ExecutedCell(self._session.client.blobs.get(record.outcome.notebook))

    def logs(self, tail: int | None = None) -> str:
        """Everything that it printed so far, or its last lines."""
        if tail is not None:
            # The last page holds them, as a rule.
            page = patiently(lambda: self._session.client.jobs.logs(self.id, tail=True))
            lines = "".join(entry.x for entry in page.entries).splitlines()
            if len(lines) > tail:
                return "\n".join(lines[-tail:])
        parts: list[str] = []
        position, more = 0, True
        while more:
            page = self.log_after(position)
            parts += [entry.x for entry in page.entries]
            position, more = page.last, page.more
        whole = "".join(parts)
        return whole if tail is None else "\n".join(whole.splitlines()[-tail:])

    def log_after(self, position: int) -> LogPage:
        """A page of what it printed after a position (`last` of the page before)."""
        return patiently(lambda: self._session.client.jobs.logs(self.id, position))

    # -- what it does --------------------------------------------------------------------------------------------------

    def stop(self) -> JobHandle:
        """Ask for its end: SIGTERM, its grace, SIGKILL. Returns at once; stopping a final job changes nothing."""
        self.update(self._session.client.jobs.stop(self.id))
        return self

    def wait(self, timeout: float | None = None) -> JobHandle:
        """Return when the job has succeeded.

        Raises JobFailed when it ended in any other way, TimeoutError after `timeout` seconds. The job goes on when the wait
        is interrupted.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._record.state.is_final:
            left = _POLL if deadline is None else min(_POLL, deadline - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"Job {self.id} is still {self._record.state.value} after {timeout:g} s; it goes on.")
            self.update(self.look(left))
        self.check()
        return self

    def look(self, timeout: float, revision: int | None = None) -> Job:
        """The record as soon as it is final, or newer than `revision`, at most `timeout` seconds later."""
        return patiently(lambda: self._session.client.jobs.wait(self.id, revision=revision, timeout=timeout))

    def check(self) -> None:
        """Raise JobFailed when the job is final and did not succeed."""
        if self._record.state.is_final and self._record.state is not JobState.SUCCEEDED:
            raise failure(self._record, self._session.shell)

    def result(self, timeout: float | None = None) -> Any:
        """Wait, then the value of the only output, or a dict of all values. Raises like `wait`."""
        outputs = self.wait(timeout).outputs
        values = {name: output.load() for name, output in outputs.items()}
        return next(iter(values.values())) if len(values) == 1 else values

    def __await__(self) -> Generator[Any, None, JobHandle]:
        import asyncio

        # In a thread, for httpx blocks; short polls, so that a cancelled cell leaves no thread behind for long.
        return asyncio.to_thread(self.wait).__await__()

    def displays(self) -> None:
        """Show the plots and tables that the cell displayed, here."""
        for output in self._session.client.jobs.displays(self.id).outputs:
            self._show(output)

    def _show(self, output: dict[str, Any]) -> None:
        if output.get("output_type") not in ("display_data", "execute_result"):
            return
        data, metadata = output.get("data"), output.get("metadata") or {}
        if isinstance(data, dict) and self._session.shell is not None:
            joined = {key: "".join(value) if isinstance(value, list) else value for key, value in data.items()}
            self._session.shell.display_pub.publish(joined, metadata)

    # -- how it looks --------------------------------------------------------------------------------------------------

    def payload(self, tail: list[str] | None = None) -> dict[str, Any]:
        """The card's content."""
        record = self._record
        if tail is None:
            tail = LogTail(self._session.client, self.id).read() if record.started_at else []
        workspace = self._session.client.workspace.id
        curves = self._curves.read(record)
        payload = job_payload(record, tail, workspace, headless=self._session.surroundings.headless, curves=curves)
        if record.spec.tuning is not None and record.started_at is not None:
            with contextlib.suppress(SlmlError):
                payload["tuning"] = self.tuned.summary()
        return payload

    def widget(self) -> Any:
        """An ipywidgets face: state, time, metrics, Stop, the end of the log."""
        from jupyter_slml.notebook.widget import job_widget

        return job_widget(self._session, self)

    def __repr__(self) -> str:
        return f"<job {text(self.payload([]))}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        _ = self.record
        return bundle(self.payload())

    def _ipython_display_(self) -> None:
        if self.drawn:
            self.drawn = False
            return
        from jupyter_slml.notebook.display import show_job

        show_job(self._session, self)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a job's handle stays in the notebook; bind what you need of it first: model = job.result()")


def failure(record: Job, shell: Any = None) -> JobFailed:
    """The error of a job that did not succeed: what happened, at which line of the cell, and what to do."""
    outcome = record.outcome
    error = outcome.error if outcome else None
    state = record.state.value.replace("_", " ")
    if error is not None:
        where = f" (line {error.line} of the cell)" if error.line else ""
        what = f"{error.ename}: {error.evalue}{where}"
    else:
        what = (outcome.message if outcome and outcome.message else record.reason) or "no reason was given"
    return JobFailed(
        f"Job {record.name!r} ({record.id}) {state}: {what}",
        field="job",
        value=record.id,
        remedy=f"`%logs {record.id}` shows what it printed; `%job {record.id}` shows the job.",
        detail={
            "traceback": in_notebook(error.traceback, shell) if error else [],
            "outcome": outcome.model_dump(mode="json") if outcome else None,
            "job": record.id,
        },
    )

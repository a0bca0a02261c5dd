"""`%jobs`, `%job`, `%logs`, `%stop`."""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.errors import Invalid, NotFound
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.magic import Cell, Magic, Text
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table, human_seconds


class ListLine(Frozen):
    state: list[str] = Field(
        default_factory=list,
        description="Only jobs in this state. May be repeated.",
        json_schema_extra={"flags": ["--state"], "metavar": "STATE"},
    )
    name: str | None = Field(
        default=None, description="Only jobs of this name.", json_schema_extra={"flags": ["--name", "-n"], "metavar": "NAME"}
    )
    limit: int = Field(
        default=20, ge=1, le=500, description="At most so many.", json_schema_extra={"flags": ["--limit"], "metavar": "N"}
    )


class JobLine(Frozen):
    job: str | None = Field(
        default=None,
        description="Id or name. Unset: the job that this notebook submitted last.",
        json_schema_extra={"positional": True, "metavar": "JOB"},
    )


class LogsLine(JobLine):
    tail: int | None = Field(
        default=None,
        ge=1,
        description="Only the last lines.",
        json_schema_extra={"flags": ["--tail"], "metavar": "LINES"},
    )


def find(session: Session, job: str | None) -> JobHandle:
    """The handle of a job by id or name; None means the last one. Raises NotFound."""
    if job is not None:
        return JobHandle(session, session.client.jobs.get(job))
    if session.last is None:
        raise NotFound(
            "This notebook has submitted no job yet.", field="job", remedy="Name one: `%job NAME`; `%jobs` lists them."
        )
    return session.last


def list_jobs(session: Session, *, states: list[str], name: str | None, limit: int) -> Table:
    """The newest jobs as a table. Raises Invalid for an unknown state."""
    page = session.client.jobs.list(states=states, name=name, limit=limit)
    rows = [
        [
            job.name,
            job.id,
            job.state.value.replace("_", " "),
            human_seconds((job.ended_at or time.time()) - job.started_at) if job.started_at else "",
            ", ".join(f"{key} {value:.6g}" for key, value in job.metrics.items()),
            job.registered,
            job.reason if job.state.value != "succeeded" else "",
        ]
        for job in page.jobs
    ]
    title = f"{len(rows)} of {page.total} jobs" if page.total > len(rows) else ""
    columns = ["name", "id", "state", "ran", "metrics", "registered", "reason"]
    return Table(columns, rows, title=title, empty="No jobs. `%%train` over a cell makes one.")


def _list(session: Session, line: ListLine, cell: Cell) -> Table:
    from jupyter_slml.domain.states import JobState

    known = [state.value for state in JobState]
    for state in line.state:
        if state not in known:
            raise Invalid(
                f"--state {state}: there is no such state.",
                field="--state",
                value=state,
                remedy=f"States: {', '.join(known)}.",
            )
    return list_jobs(session, states=line.state, name=line.name, limit=line.limit)


def _show(session: Session, line: JobLine, cell: Cell) -> JobHandle:
    return find(session, line.job)


def _logs(session: Session, line: LogsLine, cell: Cell) -> Text:
    handle = find(session, line.job)
    text = handle.logs(line.tail)
    if text:
        return Text(text.rstrip("\n"))
    return Text(f"Job {handle.name!r} ({handle.id}, {handle.state}) has printed nothing.")


def _stop(session: Session, line: JobLine, cell: Cell) -> Any:
    return find(session, line.job).stop()


MAGICS = (
    Magic("jobs", "line", Options("%jobs", ListLine, "List the newest jobs.", "%jobs --state running"), _list),
    Magic("job", "line", Options("%job", JobLine, "Show a job and return its handle.", "%job churn"), _show),
    Magic("logs", "line", Options("%logs", LogsLine, "Show what a job printed.", "%logs churn --tail 20"), _logs),
    Magic("stop", "line", Options("%stop", JobLine, "Stop a job.", "%stop churn"), _stop),
)

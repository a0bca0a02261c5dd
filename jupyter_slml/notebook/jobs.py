"""`%jobs` and its verbs, `%job`, `%logs`, `%stop`."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.catalogue import delete_jobs, find, list_jobs, stop_jobs
from jupyter_slml.notebook.difference import Difference
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.magic import Cell, Magic, Text
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session

_STATES = [state.value for state in JobState]
_VERBS = ("diff", "stop", "delete", "list")


class ManyLine(Frozen):
    """Which jobs: by word, or all of some kind."""

    words: list[str] = Field(
        default_factory=list,
        description="Ids or names.",
        json_schema_extra={"positional": True, "metavar": "JOB", "many": True},
    )
    state: list[str] = Field(
        default_factory=list,
        description="Only jobs in this state. May be repeated.",
        json_schema_extra={"flags": ["--state"], "metavar": "STATE", "choices": list(_STATES)},
    )
    name: str | None = Field(
        default=None, description="Only jobs of this name.", json_schema_extra={"flags": ["--name", "-n"], "metavar": "NAME"}
    )
    all: bool = Field(default=False, description="Stop or delete all that can be.", json_schema_extra={"flags": ["--all"]})

    @field_validator("words", mode="before")
    @classmethod
    def _handles(cls, value: Any) -> Any:
        return [str(getattr(item, "id", item)) for item in value] if isinstance(value, (list, tuple)) else value


class JobsLine(ManyLine):
    words: list[str] = Field(
        default_factory=list,
        description="A verb and the jobs that it is about: diff A B, stop A …, delete A …. Unset: list jobs.",
        json_schema_extra={"positional": True, "metavar": "VERB", "many": True},
    )
    limit: int = Field(
        default=20,
        ge=1,
        le=500,
        description="List at most so many.",
        json_schema_extra={"flags": ["--limit"], "metavar": "N"},
    )


class JobLine(Frozen):
    job: str | None = Field(
        default=None,
        description="Id or name. Unset: the job that this notebook submitted last.",
        json_schema_extra={"positional": True, "metavar": "JOB"},
    )

    @field_validator("job", mode="before")
    @classmethod
    def _handle(cls, value: Any) -> Any:
        return getattr(value, "id", value)


class LogsLine(JobLine):
    tail: int | None = Field(
        default=None,
        ge=1,
        description="Only the last lines.",
        json_schema_extra={"flags": ["--tail"], "metavar": "LINES"},
    )


def _jobs(session: Session, line: JobsLine, cell: Cell) -> Any:
    _check_states(line.state)
    verb, *words = line.words or ["list"]
    match verb:
        case "list" if not words and not line.all:
            return list_jobs(session, states=line.state, name=line.name, limit=line.limit)
        case "diff":
            if len(words) != 2 or line.state or line.name or line.all:
                raise Invalid(
                    f"%jobs diff takes two jobs, and {len(words)} {'is' if len(words) == 1 else 'are'} given.",
                    field="JOB",
                    value=" ".join(words),
                    remedy="For example: %jobs diff job-1f3a9c0b2e44 churn (a name means its newest job).",
                )
            return Difference(session.client.jobs.diff(words[0], words[1]))
        case "stop" | "delete":
            _check_selection(f"%jobs {verb}", words, line)
            act = stop_jobs if verb == "stop" else delete_jobs
            return act(session, words, states=line.state, name=line.name)
    raise Invalid(
        f"%jobs does not know the verb {verb!r}.",
        field="VERB",
        value=" ".join(line.words),
        remedy=f"Verbs: {', '.join(_VERBS)}; `%job {verb}` shows one job, `%jobs --name {verb}` lists those of a name.",
    )


def _stop(session: Session, line: ManyLine, cell: Cell) -> Any:
    _check_states(line.state)
    if line.words or line.all or line.state or line.name:
        _check_selection("%stop", line.words, line)
    if line.all or line.state or line.name or len(line.words) > 1:
        return stop_jobs(session, line.words, states=line.state, name=line.name)
    return find(session, line.words[0] if line.words else None).stop()


def _check_selection(prog: str, words: list[str], line: ManyLine) -> None:
    if bool(words) is not bool(line.all or line.state or line.name):
        return
    raise Invalid(
        f"{prog} takes jobs or a selection, not both." if words else f"{prog} does not know which jobs are meant.",
        field="JOB",
        value=" ".join(words) or None,
        remedy=f"For example: {prog} A B, {prog} --state {'failed' if 'delete' in prog else 'queued'}, {prog} --name churn, "
        f"{prog} --all.",
    )


def _check_states(states: list[str]) -> None:
    for state in states:
        if state not in _STATES:
            raise Invalid(
                f"--state {state}: there is no such state.",
                field="--state",
                value=state,
                remedy=f"States: {', '.join(_STATES)}.",
            )


def _show(session: Session, line: JobLine, cell: Cell) -> JobHandle:
    return find(session, line.job)


def _logs(session: Session, line: LogsLine, cell: Cell) -> Text:
    handle = find(session, line.job)
    text = handle.logs(line.tail)
    if text:
        return Text(text.rstrip("\n"))
    return Text(f"Job {handle.name!r} ({handle.id}, {handle.state}) has printed nothing.")


_SUMMARY = "List the newest jobs; compare two, stop or delete many."
_EXAMPLES = "%jobs --state running\n%jobs diff job-1f3a9c0b2e44 churn\n%jobs stop --name churn\n%jobs delete --state failed"

MAGICS = (
    Magic("jobs", "line", Options("%jobs", JobsLine, _SUMMARY, _EXAMPLES), _jobs),
    Magic("job", "line", Options("%job", JobLine, "Show a job and return its handle.", "%job churn"), _show),
    Magic("logs", "line", Options("%logs", LogsLine, "Show what a job printed.", "%logs churn --tail 20"), _logs),
    Magic("stop", "line", Options("%stop", ManyLine, "Stop one job or many.", "%stop churn\n%stop --state queued"), _stop),
)

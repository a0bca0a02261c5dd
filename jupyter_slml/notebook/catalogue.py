"""Many jobs at once: listing, stopping, deleting."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import NotFound
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table, human_seconds

if TYPE_CHECKING:
    from jupyter_slml.domain.views import JobSummary

_PAGE = 500
_ENDED = tuple(state.value for state in JobState if state.is_final)


def find(session: Session, job: str | None) -> JobHandle:
    """The handle of a job by id or name; None means the last one. Raises NotFound."""
    if job is not None:
        return JobHandle(session, session.client.jobs.get(job))
    if session.last is None:
        raise NotFound(
            "This notebook has submitted no job yet.", field="job", remedy="Name one: `%job NAME`; `%jobs` lists them."
        )
    return session.last


def list_jobs(session: Session, *, states: Sequence[str], name: str | None, limit: int) -> Table:
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


def stop_jobs(session: Session, words: Sequence[str], *, states: Sequence[str] = (), name: str | None = None) -> Table:
    """Ask for the end of the named jobs, or of all unfinished ones in these states and of this name; which those are.

    Raises NotFound for a word that names no job; then none is stopped.
    """
    ids = session.client.jobs.stop_all(words, states=states, name=name)
    return _told(ids, "asked to stop", "Nothing to stop: no such job is unfinished.")


def delete_jobs(session: Session, words: Sequence[str], *, states: Sequence[str] = (), name: str | None = None) -> Table:
    """Delete the named jobs, or all ended ones in these states and of this name; which those were.

    Raises NotFound, and Conflict for a named job that has not ended; then none is deleted.
    """
    wanted = list(words) or [job.id for job in _ended(session, states, name)]
    gone: list[str] = []
    for start in range(0, len(wanted), 5000):
        gone += session.client.jobs.delete(wanted[start : start + 5000])
    return _told(gone, "deleted", "Nothing to delete: no such job has ended.")


def _ended(session: Session, states: Sequence[str], name: str | None) -> list[JobSummary]:
    chosen = [state for state in states if state in _ENDED] if states else list(_ENDED)
    found: list[JobSummary] = []
    before: str | None = None
    while chosen:
        page = session.client.jobs.list(states=chosen, name=name, before=before, limit=_PAGE)
        found += page.jobs
        before = page.next
        if before is None:
            break
    return found


def _told(ids: Sequence[str], what: str, nothing: str) -> Table:
    title = f"{len(ids)} job{'' if len(ids) == 1 else 's'} {what}." if ids else ""
    return Table(["id"], [[item] for item in ids], title=title, empty=nothing)

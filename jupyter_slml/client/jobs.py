"""Verbs of jobs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

from jupyter_slml.client.transport import TIMEOUT, Transport
from jupyter_slml.domain.diffs import JobDiff
from jupyter_slml.domain.names import check_name
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.views import (
    AttemptList,
    Displays,
    JobIds,
    JobPage,
    JobView,
    LogPage,
    MetricPoints,
    PartList,
    TrialList,
)
from jupyter_slml.errors import IntegrityError, NotFound


class Jobs:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(self, spec: JobSpec, *, key: str | None = None) -> JobView:
        """Submit; with a key of the caller's, any number of times with one effect. Raises Invalid, Conflict."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or secrets.token_hex(16)}
        return self._transport.record(JobView, "POST", "/jobs", content=spec.model_dump_json(), headers=headers)

    def get(self, job: str) -> JobView:
        """By id, or the newest of that name. Raises NotFound."""
        return self._transport.record(JobView, "GET", _path(job))

    def stop(self, job: str) -> JobView:
        return self._transport.record(JobView, "POST", f"{_path(job)}/stop")

    def stop_all(self, jobs: Sequence[str] = (), *, states: Sequence[str] = (), name: str | None = None) -> list[str]:
        """Stop many: the named ones, or all unfinished ones in these states or of this name. Returns the ids."""
        wanted = {"jobs": list(jobs), "states": list(states), "name": name}
        return self._transport.record(JobIds, "POST", "/jobs/stop", json=wanted).jobs

    def delete(self, jobs: Sequence[str]) -> list[str]:
        """Delete ended jobs. Raises NotFound, Conflict; then none is deleted."""
        return self._transport.record(JobIds, "POST", "/jobs/delete", json={"jobs": list(jobs)}).jobs

    def diff(self, before: str, after: str) -> JobDiff:
        """What changed from one job to another."""
        return self._transport.record(JobDiff, "GET", f"{_path(before)}/diff/{_word(after)}")

    def attempts(self, job: str) -> AttemptList:
        return self._transport.record(AttemptList, "GET", f"{_path(job)}/attempts")

    def wait(self, job: str, *, revision: int | None = None, timeout: float = 30.0) -> JobView:
        """The job as soon as it is final or newer than `revision`, else as it is after `timeout` seconds."""
        params: dict[str, Any] = {"timeout": timeout} | ({} if revision is None else {"revision": revision})
        return self._transport.record(JobView, "GET", f"{_path(job)}/wait", params=params, timeout=timeout + TIMEOUT)

    def logs(self, job: str, after: int = 0, *, limit: int | None = None, tail: bool = False) -> LogPage:
        """A page (`limit`: bytes) of what it printed after a position (`last` of the page before); with `tail` the last
        page of it."""
        params: dict[str, Any] = {"after": after, "tail": tail} | ({} if limit is None else {"limit": limit})
        return self._transport.record(LogPage, "GET", f"{_path(job)}/logs", params=params)

    def metrics(self, job: str) -> MetricPoints:
        return self._transport.record(MetricPoints, "GET", f"{_path(job)}/metrics")

    def trials(self, job: str) -> TrialList:
        """The trials of a tuning job."""
        return self._transport.record(TrialList, "GET", f"{_path(job)}/trials")

    def parts(self, job: str) -> PartList:
        """The parts of a batch job. Raises Conflict for a job of another kind."""
        return self._transport.record(PartList, "GET", f"{_path(job)}/parts")

    def displays(self, job: str) -> Displays:
        return self._transport.record(Displays, "GET", f"{_path(job)}/displays")

    def output(self, job: str, name: str, file: BinaryIO) -> str:
        """Write an output's bytes to `file`; returns its format. Raises NotFound, Conflict, IntegrityError."""
        found = hashlib.sha256()
        with self._transport.stream(f"{_path(job)}/outputs/{quote(name, safe='')}") as response:
            for chunk in response.iter_bytes():
                found.update(chunk)
                file.write(chunk)
            expected = response.headers["X-Slml-Digest"]
            if found.hexdigest() != expected:
                raise IntegrityError(f"Output {name!r} of {job} arrived with another digest than {expected[:12]}….")
            return str(response.headers["X-Slml-Format"])

    def list(
        self,
        *,
        states: Sequence[str] = (),
        name: str | None = None,
        text: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> JobPage:
        """One page, newest first."""
        asked = {"state": ",".join(states), "name": name, "text": text, "before": before, "limit": limit}
        params = {key: value for key, value in asked.items() if value not in (None, "")}
        return self._transport.record(JobPage, "GET", "/jobs", params=params)


def _path(job: str) -> str:
    return f"/jobs/{_word(job)}"


def _word(job: str) -> str:
    """An id or a name as a part of an address. Raises NotFound for what can be neither, such as `../x`."""
    try:
        return quote(check_name(job), safe="")
    except ValueError:
        raise NotFound(
            f"There is no job {job[:80]!r}.",
            field="job",
            value=job[:80],
            remedy="`%jobs` (or `jupyter slml jobs`) lists them.",
        ) from None

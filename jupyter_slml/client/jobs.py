"""Verbs of jobs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

from jupyter_slml.client.transport import TIMEOUT, Transport
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.views import AttemptList, Displays, JobPage, LogPage, MetricPoints
from jupyter_slml.errors import IntegrityError


class Jobs:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(self, spec: JobSpec, *, key: str | None = None) -> Job:
        """Submit; with a key of the caller's, any number of times with one effect. Raises Invalid, Conflict."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or secrets.token_hex(16)}
        return self._transport.record(Job, "POST", "/jobs", content=spec.model_dump_json(), headers=headers)

    def get(self, job: str) -> Job:
        """By id, or the newest of that name. Raises NotFound."""
        return self._transport.record(Job, "GET", _path(job))

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

    def stop(self, job: str) -> Job:
        return self._transport.record(Job, "POST", f"{_path(job)}/stop")

    def attempts(self, job: str) -> AttemptList:
        return self._transport.record(AttemptList, "GET", f"{_path(job)}/attempts")

    def wait(self, job: str, *, revision: int | None = None, timeout: float = 30.0) -> Job:
        """The job as soon as it is final or newer than `revision`, else as it is after `timeout` seconds."""
        params: dict[str, Any] = {"timeout": timeout} | ({} if revision is None else {"revision": revision})
        return self._transport.record(Job, "GET", f"{_path(job)}/wait", params=params, timeout=timeout + TIMEOUT)

    def logs(self, job: str, after: int = 0) -> LogPage:
        """What it printed after a position (`LogPage.last` of the page before)."""
        return self._transport.record(LogPage, "GET", f"{_path(job)}/logs", params={"after": after})

    def metrics(self, job: str) -> MetricPoints:
        return self._transport.record(MetricPoints, "GET", f"{_path(job)}/metrics")

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


def _path(job: str) -> str:
    return f"/jobs/{quote(job, safe='')}"

"""A platform in memory: it keeps what is sent, and its jobs end as the test says."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from jupyter_slml.domain.diffs import JobDiff, diff
from jupyter_slml.domain.instances import INSTANCE_TYPES, InstanceType
from jupyter_slml.domain.outcomes import Artifact, CellError, Outcome, Reason
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.domain.views import Displays, JobPage, LogEntry, LogPage, MetricPoint, MetricPoints, summary
from jupyter_slml.errors import NotFound


class Platform:
    """Stands in for `client.Client`."""

    def __init__(self) -> None:
        self.blobs = self.jobs = self
        self.workspace = SimpleNamespace(id="slml-test")
        self.stored: dict[str, bytes] = {}
        self.sent: list[str] = []
        self.records: dict[str, Job] = {}
        #: What the next job leaves: an error, or values by name; and what it prints.
        self.error: CellError | None = None
        self.values: dict[str, Any] = {}
        self.text = ""
        self.shown: list[dict[str, Any]] = []
        self.hang = False
        #: What every job has logged, and how often somebody asked for it.
        self.points: list[MetricPoint] = []
        self.asked = 0

    # blobs
    def missing(self, digests: list[str]) -> list[str]:
        return [digest for digest in digests if digest not in self.stored]

    def put(self, digest: str, source: bytes | Path) -> None:
        self.stored[digest] = source if isinstance(source, bytes) else source.read_bytes()
        self.sent.append(digest)

    def instances(self) -> list[InstanceType]:
        return [*INSTANCE_TYPES.values(), InstanceType(name="gpu.lab", cpus=8, memory=2**34, gpus=2)]

    # jobs
    def submit(self, spec: JobSpec, *, key: str | None = None) -> Job:
        number = len(self.records) + 1
        job = Job(id=f"job-{number:012x}", name=spec.name, spec=spec, state=JobState.QUEUED, key=key, created_at=time.time())
        self.records[job.id] = job
        return job

    def get(self, name: str) -> Any:
        """A blob by its digest, or a job by its id or name: `jobs` and `blobs` are one here."""
        return self.stored[name] if name in self.stored else self.job(name)

    def fetch(self, digest: str, file: IO[bytes]) -> None:
        file.write(self.stored[digest])

    def job(self, job: str) -> Job:
        found = [item for item in self.records.values() if job in (item.id, item.name)]
        if not found:
            raise NotFound(f"There is no job {job!r}.", field="job", value=job, remedy="`%jobs` lists them.")
        return found[-1]

    def wait(self, job: str, *, revision: int | None = None, timeout: float = 30.0) -> Job:
        if self.hang:
            raise KeyboardInterrupt
        record = self.job(job)
        if record.state is JobState.QUEUED:
            record = record.evolve(state=JobState.RUNNING, started_at=time.time(), revision=1)
        elif not record.state.is_final:
            record = self._ended(record)
        self.records[record.id] = record
        return record

    def _ended(self, record: Job) -> Job:
        failed = self.error is not None
        outputs = [
            Artifact(name=name, format="json", digest="0" * 64, size=1, type=type(value).__name__)
            for name, value in self.values.items()
        ]
        outcome = Outcome(
            attempt="a",
            state=AttemptState.FAILED if failed else AttemptState.SUCCEEDED,
            reason=Reason.EXCEPTION if failed else Reason.DONE,
            error=self.error,
            outputs=outputs,
        )
        state = JobState.FAILED if failed else JobState.SUCCEEDED
        return record.evolve(state=state, ended_at=time.time(), revision=record.revision + 1, outcome=outcome)

    def stop(self, job: str) -> Job:
        record = self.job(job).evolve(state=JobState.STOPPED, ended_at=time.time(), revision=9)
        self.records[record.id] = record
        return record

    def logs(self, job: str, after: int = 0, *, limit: int | None = None, tail: bool = False) -> LogPage:
        final = self.job(job).state.is_final
        entries = [LogEntry(q=1, n=1, t=0.0, s="out", x=self.text)] if self.text and after == 0 else []
        return LogPage(entries=entries, last=1 if entries else after, done=final)

    def output(self, job: str, name: str, file: io.BufferedWriter) -> str:
        file.write(json.dumps(self.values[name]).encode())
        return "json"

    def metrics(self, job: str) -> MetricPoints:
        self.asked += 1
        return MetricPoints(points=self.points)

    def displays(self, job: str) -> Displays:
        return Displays(outputs=self.shown)

    def list(self, *, states: Sequence[str] = (), name: str | None = None, **_: object) -> JobPage:
        found = [
            summary(job)
            for job in self.records.values()
            if (not states or job.state in states) and (name is None or job.name == name)
        ]
        return JobPage(jobs=found, next=None, total=len(found))

    def stop_all(self, jobs: Sequence[str] = (), *, states: Sequence[str] = (), name: str | None = None) -> Sequence[str]:
        wanted = [self.job(job).id for job in jobs] or [job.id for job in self.list(states=states, name=name).jobs]
        return [job for job in wanted if not self.records[job].state.is_final and self.stop(job)]

    def delete(self, jobs: Sequence[str]) -> Sequence[str]:
        return [self.records.pop(self.job(job).id).id for job in jobs]

    def diff(self, before: str, after: str) -> JobDiff:
        return diff(self.job(before), self.job(after))

    def close(self) -> None:
        pass

"""`/jobs`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from jupyter_slml.control.http.services import Given, Services
from jupyter_slml.control.http.streaming import HEARTBEAT, frame, stream, wants_stream
from jupyter_slml.control.results import PAGE
from jupyter_slml.domain.diffs import JobDiff
from jupyter_slml.domain.searches import SearchView, search_view
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.views import (
    AttemptList,
    DeleteMany,
    Displays,
    JobIds,
    JobPage,
    JobView,
    LogPage,
    MetricPoint,
    MetricPoints,
    PartList,
    StopMany,
    TrialList,
)

#: Bytes of a log in one event of a stream: a browser takes an event apart and draws it in one go.
FRAME = 256 * 1024
#: Metric points that are sent in one piece.
TOGETHER = 1000

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.post("", status_code=201)
def submit(
    spec: JobSpec,
    response: Response,
    services: Given,
    idempotency_key: Annotated[str | None, Header(max_length=128)] = None,
) -> JobView:
    """Accept a job. The same Idempotency-Key again answers 200 with the first job."""
    job, created = services.jobs.submit(spec, idempotency_key)
    if not created:
        response.status_code = 200
    return job


@router.get("")
def list_jobs(
    services: Given,
    state: Annotated[str, Query(description="States, separated by commas.")] = "",
    name: str | None = None,
    text: Annotated[str | None, Query(description="Part of the name, or an id.")] = None,
    before: Annotated[str | None, Query(description="Cursor of the next page.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> JobPage:
    """Newest first."""
    states = [item for item in state.split(",") if item]
    return services.jobs.page(states=states, name=name, search=text, before=before, limit=limit)


@router.post("/stop")
def stop_jobs(wanted: StopMany, services: Given) -> JobIds:
    """Ask for the end of many jobs at once; answers with those that had not ended."""
    return JobIds(jobs=services.jobs.stop_all(wanted.jobs, wanted.states, wanted.name))


@router.post("/delete")
def delete_jobs(wanted: DeleteMany, services: Given) -> JobIds:
    """Delete ended jobs with their logs and metrics. All of them, or none when one has not ended."""
    return JobIds(jobs=services.jobs.delete(wanted.jobs))


@router.get("/{before}/diff/{after}")
def diff_jobs(before: str, after: str, services: Given) -> JobDiff:
    """What changed from one job to another: code, inputs, environment, options, metrics."""
    return services.jobs.diff(before, after)


@router.get("/{job}")
def get_job(job: str, services: Given) -> JobView:
    """By id, or the newest of that name."""
    return services.jobs.get(job)


@router.post("/{job}/stop")
def stop_job(job: str, services: Given) -> JobView:
    """Ask for its end. Asking again changes nothing."""
    return services.jobs.stop(job)


@router.get("/{job}/attempts")
def list_attempts(job: str, services: Given) -> AttemptList:
    return services.jobs.attempts(job)


@router.get("/{job}/wait")
async def wait_for_job(
    job: str,
    services: Given,
    timeout: Annotated[float, Query(ge=0, le=300)] = 30.0,
    revision: Annotated[int | None, Query(description="Answer as soon as the job is newer than this.")] = None,
) -> JobView:
    """The job as soon as it is final (or newer than `revision`), else after `timeout` seconds as it is then."""
    found = await asyncio.to_thread(services.jobs.get, job)
    deadline = asyncio.get_running_loop().time() + timeout
    while not services.bus.closed:
        listening = services.bus.listen(("job", found.id))
        found = await asyncio.to_thread(services.jobs.get, found.id)
        left = deadline - asyncio.get_running_loop().time()
        newer = revision is not None and found.revision > revision
        if found.state.is_final or newer or left <= 0:
            break
        await listening.wait(left)
    return found


@router.get("/{job}/logs", response_model=LogPage)
async def read_logs(
    job: str,
    services: Given,
    after: Annotated[int, Query(ge=0, description="Position: `last` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=16 * PAGE, description="Bytes of a page; an entry is never cut.")] = PAGE,
    tail: Annotated[bool, Query(description="The last page instead of the first.")] = False,
    accept: Annotated[str | None, Header()] = None,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> LogPage | Response:
    """A page of what the job printed after a position. With `Accept: text/event-stream` it follows the job to its end."""
    position = after if last_event_id is None else last_event_id
    if wants_stream(accept):
        found = await asyncio.to_thread(services.jobs.get, job)
        return stream(_follow(services, found.id, position, min(limit, FRAME)))
    return await asyncio.to_thread(services.results.logs, job, position, limit=limit, tail=tail)


async def _follow(services: Services, job: str, position: int, limit: int) -> AsyncIterator[str]:
    yield f": after {position}\n\n"
    while not services.bus.closed:
        attempts = await asyncio.to_thread(services.jobs.attempts, job)
        keys = [("log", attempt.id) for attempt in attempts.attempts]
        listening = services.bus.listen(("job", job), *keys)
        page = await asyncio.to_thread(services.results.logs, job, position, limit=limit)
        position = page.last
        if page.entries:
            yield frame(page.model_dump_json(), event="entries", event_id=position)
        if page.done:
            yield frame("{}", event="done", event_id=position)
            return
        if not page.more and not await listening.wait(HEARTBEAT):
            yield ":\n\n"


@router.get("/{job}/metrics", response_model=MetricPoints)
def read_metrics(job: str, services: Given) -> StreamingResponse:
    """Every point of every attempt. There may be a million, so they are sent as they are read."""
    return StreamingResponse(_listed(services.results.metrics(job)), media_type="application/json")


def _listed(points: Iterator[MetricPoint]) -> Iterator[str]:
    yield '{"points":['
    first = True
    while some := [point.model_dump_json() for point in islice(points, TOGETHER)]:
        yield ("" if first else ",") + ",".join(some)
        first = False
    yield "]}"


@router.get("/{job}/trials")
def read_trials(job: str, services: Given) -> TrialList:
    """The trials of a tuning job, also of one that runs."""
    return services.tuning.trials(job)


@router.get("/{job}/parts")
def read_parts(job: str, services: Given) -> PartList:
    """The parts of a batch job and its progress, also of one that runs."""
    return services.batches.parts(job)


@router.get("/{job}/search")
def read_search(job: str, services: Given) -> SearchView:
    """The same as a card shows it, bounded."""
    return search_view(services.tuning.trials(job))


@router.get("/{job}/displays")
def read_displays(job: str, services: Given) -> Displays:
    return services.results.displays(job)


@router.get("/{job}/outputs/{name}")
def read_output(job: str, name: str, services: Given) -> StreamingResponse:
    """The stored bytes of an output; `X-Slml-Format` and `X-Slml-Digest` say what they are."""
    artifact = services.results.output(job, name)
    return StreamingResponse(
        services.blobs.read(artifact.digest),
        media_type="application/octet-stream",
        headers={
            "X-Slml-Format": artifact.format,
            "X-Slml-Digest": artifact.digest,
            "Content-Length": str(artifact.size),
        },
    )

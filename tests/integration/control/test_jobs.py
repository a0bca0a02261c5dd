"""Jobs through the reconciler: placing, stopping, retrying, losing, adopting."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.specs import JobSpec, RegisterSpec
from jupyter_slml.domain.states import AttemptState, JobState
from jupyter_slml.errors import Conflict, Invalid, NotFound
from jupyter_slml.settings import Workspace
from jupyter_slml.storage import events
from jupyter_slml.testing.compute import FakeCompute

from .conftest import MODEL, Control, running

pytestmark = pytest.mark.anyio


def spec(source: str = "pass", **options: object) -> JobSpec:
    return JobSpec.model_validate({"source": source, "name": "churn", **options})


async def ended(control: Control, job: str, state: JobState) -> None:
    await control.until(lambda: control.jobs.get(job).state.is_final)
    assert control.jobs.get(job).state is state, control.jobs.get(job).reason


async def test_a_job_runs_to_its_end(control: Control) -> None:
    """Every step is an event, in order, and the record ends with the outcome."""
    job, created = control.jobs.submit(spec())
    assert created
    await ended(control, job.id, JobState.SUCCEEDED)
    with control.database.read() as connection:
        kinds = [event.kind for event in events.after(connection, 0, 100)]
    assert kinds == ["job.queued", "job.starting", "job.running", "job.succeeded"]
    done = control.jobs.get("churn")
    assert done.outcome is not None
    assert done.outcome.outputs == [MODEL]
    assert done.started_at is not None


async def test_the_same_key_makes_one_job(control: Control) -> None:
    """Twenty clients that send one key at once get one job."""
    found = await asyncio.gather(*(asyncio.to_thread(control.jobs.submit, spec("sleep"), "key") for _ in range(20)))
    assert len({job.id for job, _ in found}) == 1
    assert sum(created for _, created in found) == 1
    with pytest.raises(Conflict, match="already belongs to job"):
        control.jobs.submit(spec("other"), "key")


async def test_queue_places_what_fits_and_says_why_the_rest_waits(control: Control) -> None:
    """Two cores run two small jobs; the third says what it waits for and starts when one ends."""
    jobs = [control.jobs.submit(spec("sleep", name=f"j{number}"))[0] for number in range(3)]
    await control.until(lambda: control.jobs.get(jobs[1].id).state is JobState.RUNNING)
    waiting = control.jobs.get(jobs[2].id)
    assert waiting.state is JobState.QUEUED
    assert waiting.reason == "Waits for a slot with 1 cpu, 2 GiB (next in the queue)."
    control.compute.finish(control.jobs.attempts(jobs[0].id).attempts[0].id)
    await control.until(lambda: control.jobs.get(jobs[2].id).state is JobState.RUNNING)


async def test_stop_while_queued_and_while_running(control: Control) -> None:
    """A queued job ends at once; a running one through its attempt; a second stop changes nothing."""
    first = control.jobs.submit(spec("sleep"))[0]
    second = control.jobs.submit(spec("sleep"))[0]
    third = control.jobs.submit(spec("sleep"))[0]
    await control.until(lambda: control.jobs.get(second.id).state is JobState.RUNNING)
    control.jobs.stop(third.id)
    await ended(control, third.id, JobState.STOPPED)
    assert control.jobs.attempts(third.id).attempts == []
    control.jobs.stop(first.id)
    await ended(control, first.id, JobState.STOPPED)
    assert control.jobs.stop(first.id).state is JobState.STOPPED


async def test_user_retries_are_counted_apart_from_losses(control: Control) -> None:
    """A failing cell runs as often as asked; a lost attempt runs again by itself."""
    failing = control.jobs.submit(spec("raise", retries=2, backoff=0.02))[0]
    await ended(control, failing.id, JobState.FAILED)
    assert len(control.jobs.attempts(failing.id).attempts) == 3
    lost = control.jobs.submit(spec("sleep", platform_retries=1))[0]
    for number in range(1, 2):
        await control.until(
            lambda number=number: (
                len(found := control.jobs.attempts(lost.id).attempts) == number and found[-1].state is AttemptState.RUNNING
            )
        )
        control.compute.lose(control.jobs.attempts(lost.id).attempts[-1].id)
    await control.until(lambda: len(control.jobs.attempts(lost.id).attempts) == 2)
    await control.until(lambda: control.jobs.get(lost.id).state is JobState.RUNNING)
    assert control.jobs.get(lost.id).retried == {"platform": 1}
    control.compute.lose(control.jobs.attempts(lost.id).attempts[-1].id)
    await ended(control, lost.id, JobState.LOST)


async def test_a_full_store_is_said_and_costs_no_retry_of_the_user(control: Control) -> None:
    """The reason stands on the job as long as it waits; an attempt that failed for it uses the platform's retries."""
    job = control.jobs.submit(spec("sleep", retries=3, platform_retries=1))[0]
    for number in (1, 2):
        await control.until(lambda number=number: len(control.jobs.attempts(job.id).attempts) == number)
        await control.until(lambda: control.jobs.get(job.id).state is JobState.RUNNING)
        attempt = control.jobs.attempts(job.id).attempts[-1].id
        control.compute.wait(attempt, "The disk is full.")
        assert control.jobs.get(job.id).reason == "The disk is full.", "at once, whether it can be written down or not"
        await control.until(lambda: listed(control, job.id) == "The disk is full.")
        control.compute.wait(attempt, "")
        await control.until(lambda: listed(control, job.id) == control.jobs.get(job.id).reason == "")
        control.compute.finish(attempt, state=AttemptState.FAILED, reason=Reason.PLATFORM, message="The disk is full.")
    await ended(control, job.id, JobState.FAILED)
    found = control.jobs.get(job.id)
    assert (found.retried, found.reason) == ({"platform": 1}, "The disk is full.")


def listed(control: Control, job: str) -> str:
    """The reason in the list."""
    page = control.jobs.page(states=(), name=None, search=job, before=None, limit=9)
    return page.jobs[0].reason


async def test_a_new_daemon_adopts_what_runs(place: Workspace) -> None:
    """The daemon dies under a running job; the next one attaches to the same attempt and gets its one outcome."""
    compute = FakeCompute()
    async with running(place, compute) as before:
        job = before.jobs.submit(spec("sleep"))[0]
        await before.until(lambda: before.jobs.get(job.id).state is JobState.RUNNING)
        attempt = before.jobs.attempts(job.id).attempts[0].id
    compute.finish(attempt)
    async with running(place, compute) as after:
        await ended(after, job.id, JobState.SUCCEEDED)
        assert [item.id for item in after.jobs.attempts(job.id).attempts] == [attempt]
    assert compute.started == [attempt]


async def test_registering_is_part_of_succeeding(control: Control) -> None:
    """The version is there the moment the job is; a job without a model to register fails and says so."""
    job = control.jobs.submit(spec(register_as="churn", parameters={"depth": 3}))[0]
    await ended(control, job.id, JobState.SUCCEEDED)
    assert control.jobs.get(job.id).registered == "churn@1"
    version = control.models.version("churn", 1)
    assert (version.job, version.digest, version.parameters) == (job.id, MODEL.digest, {"depth": 3})
    again = control.models.register(RegisterSpec(model="churn", job=job.id))
    assert again == version
    control.compute.outputs = []
    bare = control.jobs.submit(spec(register_as="churn"))[0]
    await ended(control, bare.id, JobState.FAILED)
    assert "left no model that can be registered" in control.jobs.get(bare.id).reason


async def test_bad_requests_are_refused_before_anything_is_stored(control: Control) -> None:
    """Each names the field and the remedy; nothing is left behind."""
    with pytest.raises(Invalid, match="No worker can run an instance"):
        control.jobs.submit(spec(instance="cpu.large"))
    capture = {"name": "x", "format": "npy", "digest": "f" * 64, "size": 1, "type": "array"}
    with pytest.raises(Invalid, match="are not in the store"):
        control.jobs.submit(spec(captures=[capture]))
    with pytest.raises(NotFound, match="no job 'nobody'"):
        control.jobs.get("nobody")
    with pytest.raises(NotFound, match="no model 'nothing'"):
        control.models.resolve("nothing")
    assert control.jobs.page(states=(), name=None, search=None, before=None, limit=5).total == 0


async def test_a_broken_cluster_holds_jobs_and_says_so(control: Control) -> None:
    """Without a cluster jobs wait with that reason, and go on when it is back."""
    control.compute.disconnect()
    job = control.jobs.submit(spec())[0]
    assert control.jobs.get(job.id).reason.startswith("Waits for the cluster")
    control.compute.disconnect(False)
    await ended(control, job.id, JobState.SUCCEEDED)


async def test_pages_cover_all_jobs_once(control: Control) -> None:
    """Cursors neither lose nor repeat a job, also while others arrive."""
    for number in range(25):
        control.jobs.submit(spec("sleep", name=f"j{number}"))
    seen: list[str] = []
    cursor = None
    while True:
        page = control.jobs.page(states=(), name=None, search=None, before=cursor, limit=10)
        seen += [job.name for job in page.jobs]
        control.jobs.submit(spec("sleep", name="late"))
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"j{number}" for number in reversed(range(25))]


async def test_writers_queue_and_listeners_hear_in_order(control: Control) -> None:
    """Concurrent writes from threads all commit; the event ids have no gaps."""

    def burst() -> None:
        for _ in range(10):
            control.jobs.submit(spec("sleep"))

    threads = [threading.Thread(target=burst) for _ in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.to_thread(lambda: [thread.join() for thread in threads])
    await control.until(lambda: len(control.compute.started) == 2)
    with control.database.read() as connection:
        found = [event.id for event in events.after(connection, 0, 1000)]
    assert found == list(range(1, len(found) + 1))

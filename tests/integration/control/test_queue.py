"""The queue: turns, priorities, dependencies, limits, back-off, and what a waiting job says."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from sqlalchemy import event

from jupyter_slml.control.limits import Limits
from jupyter_slml.control.turns import in_turn, places
from jupyter_slml.domain.instances import GIB, InstanceType
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec, Origin
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import Conflict, Invalid, NotFound
from jupyter_slml.settings import Workspace
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage import queue
from jupyter_slml.storage.database import Database, sqlite_url
from jupyter_slml.testing.compute import FakeCompute

from .conftest import Control, running

pytestmark = pytest.mark.anyio

#: The first page of the whole list.
PAGE: dict[str, Any] = {"states": (), "name": None, "search": None, "before": None, "limit": 50}


def spec(source: str = "sleep", user: str = "ann", **options: object) -> JobSpec:
    return JobSpec.model_validate({"source": source, "origin": Origin(user=user), **options})


def starts(control: Control) -> list[str]:
    """Names of the jobs in the order in which they were started."""
    found = []
    for attempt in control.compute.started:
        order = control.compute.order(attempt)
        found.append(order.job_name)
    return found


async def finish_all(control: Control, number: int) -> None:
    """End attempts one by one, oldest first, until so many have been started."""
    for done in range(number):
        await control.until(lambda done=done: len(control.compute.started) > done)
        control.compute.finish(control.compute.started[done])


async def test_users_take_turns_and_priority_comes_first(place: Workspace) -> None:
    """Ann's ten jobs do not hold up Bob's two; an urgent job passes all that wait."""
    compute = FakeCompute(cpus=1, memory=2 * GIB)
    async with running(place, compute) as control:
        first = control.jobs.submit(spec(name="first"))[0]
        await control.until(lambda: control.jobs.get(first.id).state is JobState.RUNNING)
        for number in range(4):
            control.jobs.submit(spec(name=f"ann{number}"))
        for number in range(2):
            control.jobs.submit(spec(name=f"bob{number}", user="bob"))
        control.jobs.submit(spec(name="urgent", priority=5))
        await finish_all(control, 8)
        assert starts(control) == ["first", "urgent", "bob0", "ann0", "bob1", "ann1", "ann2", "ann3"]


async def test_a_job_waits_for_another_and_does_not_run_when_that_fails(control: Control) -> None:
    """`after` holds a job until the others succeeded; the failure of one ends the whole chain with the reason."""
    base = control.jobs.submit(spec(name="base"))[0]
    child = control.jobs.submit(spec("pass", name="child", after=["base"]))[0]
    grandchild = control.jobs.submit(spec("pass", name="grandchild", after=[child.id]))[0]
    await control.until(lambda: control.jobs.get(base.id).state is JobState.RUNNING)
    assert control.jobs.get(child.id).reason == f"Waits for base ({base.id}, running)."
    control.compute.finish(control.compute.started[0])
    await control.until(lambda: control.jobs.get(grandchild.id).state is JobState.SUCCEEDED)
    failing = control.jobs.submit(spec(name="failing"))[0]
    middle = control.jobs.submit(spec("pass", name="middle", after=["failing"]))[0]
    last = control.jobs.submit(spec("pass", name="last", after=["middle"]))[0]
    await control.until(lambda: control.jobs.get(failing.id).state is JobState.RUNNING)
    control.jobs.stop(failing.id)
    await control.until(lambda: control.jobs.get(last.id).state is JobState.STOPPED)
    assert control.jobs.get(middle.id).reason == f"Not run: failing ({failing.id}), which it waited for, was stopped."
    with pytest.raises(Conflict, match="would never run"):
        control.jobs.submit(spec(after=["failing"]))
    with pytest.raises(NotFound):
        control.jobs.submit(spec(after=["nobody"]))


async def test_jobs_cannot_wait_in_a_circle(control: Control) -> None:
    """A name after `after` means the job that has it already: a new run waits for the one before, never for itself."""
    with pytest.raises(NotFound, match="There is no job 'first'") as caught:
        control.jobs.submit(spec(name="first", after=["first"]))
    assert caught.value.field == "job" and caught.value.remedy
    first = control.jobs.submit(spec(name="first"))[0]
    second = control.jobs.submit(spec("pass", name="second", after=["first"]))[0]
    third = control.jobs.submit(spec("pass", name="first", after=["second", "first"]))[0]
    assert control.jobs.get(third.id).spec.after == [second.id, first.id]
    control.compute.finish(await started(control))
    await control.until(lambda: control.jobs.get(third.id).state is JobState.SUCCEEDED)


async def started(control: Control) -> str:
    """The first attempt."""
    await control.until(lambda: control.compute.started)
    return control.compute.started[0]


async def test_limits_per_user_and_per_type(place: Workspace) -> None:
    """A limit holds jobs that the workers would have room for, and says so."""
    gpu = InstanceType(name="gpu.tiny", cpus=1, memory=GIB, limit=1)
    async with running(place, FakeCompute(cpus=8, memory=16 * GIB), own=[gpu], limits=Limits(per_user=3)) as control:
        typed = [control.jobs.submit(spec(instance="gpu.tiny"))[0] for _ in range(2)]
        await control.until(lambda: control.jobs.get(typed[0].id).state is JobState.RUNNING)
        assert control.jobs.get(typed[1].id).reason == "Waits for the limit of 1 running job(s) of type gpu.tiny."
        plain = [control.jobs.submit(spec())[0] for _ in range(3)]
        await control.until(lambda: control.jobs.get(plain[1].id).state is JobState.RUNNING)
        assert "limit of 3 running job(s) per user" in control.jobs.get(plain[2].id).reason
        bob = control.jobs.submit(spec(user="bob"))[0]
        await control.until(lambda: control.jobs.get(bob.id).state is JobState.RUNNING)
        with pytest.raises(Invalid, match="There is no instance type"):
            control.jobs.submit(spec(instance="cpu.huge"))
        with pytest.raises(Invalid, match="No worker can run"):
            control.jobs.submit(spec(instance="gpu.small"))


async def test_a_retry_waits_for_its_back_off_and_says_until_when(control: Control) -> None:
    """The job is queued with the failure and the time; it starts by itself."""
    job = control.jobs.submit(spec("raise", retries=1, backoff=0.5))[0]
    await control.until(lambda: control.jobs.get(job.id).retried == {"failure": 1})
    waiting = control.jobs.get(job.id)
    assert waiting.reason.startswith("Failed, retry 1 of 1: ValueError: no Starts again in")
    assert waiting.expected_at is not None
    await control.until(lambda: control.jobs.get(job.id).state is JobState.FAILED)
    attempts = control.jobs.attempts(job.id).attempts
    assert attempts[1].created_at - attempts[0].created_at >= 0.5


async def test_the_time_of_a_start_is_estimated_from_earlier_runs(place: Workspace) -> None:
    """With a history of the running job's name the waiting one says about when it starts."""
    async with running(place, FakeCompute(cpus=1, memory=2 * GIB)) as control:
        done = control.jobs.submit(spec(name="known"))[0]
        await control.until(lambda: control.jobs.get(done.id).state is JobState.RUNNING)
        control.compute.finish(control.compute.started[0])
        await control.until(lambda: control.jobs.get(done.id).state is JobState.SUCCEEDED)
        again = control.jobs.submit(spec(name="known"))[0]
        waiting = control.jobs.submit(spec(name="other"))[0]
        await control.until(lambda: control.jobs.get(again.id).state is JobState.RUNNING)
        found = control.jobs.get(waiting.id)
        assert found.expected_at is not None
        assert found.expected_at - time.time() < 60
        assert "next in the queue, about" in found.reason


async def test_phases_tell_where_the_time_went(control: Control) -> None:
    """They follow each other without gaps from the submit to the end."""
    job = control.jobs.submit(spec("pass"))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.SUCCEEDED)
    found = control.jobs.get(job.id)
    assert [phase.name for phase in found.phases] == ["queued", "starting", "preparing", "running"]
    assert found.phases[0].start == found.created_at
    assert found.phases[-1].end == found.ended_at


async def test_places_are_counted_as_the_order_of_turns_has_them(place: Workspace) -> None:
    """For any mixture of users, priorities and slots held, counting in SQL and sorting everything agree."""
    draw = random.Random(7)
    database = Database(sqlite_url(place.database))
    with database.write() as transaction:
        for number in range(120):
            user, priority = draw.choice(["ann", "ann", "bob", "cleo"]), draw.choice([0, 0, 0, 5])
            # Some at the same moment.
            moment = float(draw.randrange(60))
            job = Job(
                id=f"job-{draw.random()}",
                name=f"n{number}",
                spec=spec(user=user, priority=priority),
                state=JobState.QUEUED if number else JobState.RUNNING,
                user=user,
                created_at=moment,
            )
            table.add(transaction.connection, job)
    with database.read() as connection:
        everything = queue.waiting(connection, [job.id for job in table.page(connection, limit=500)[0]])
        assert len(everything) == 119
        for live in ({}, {"bob": 3}, {"ann": 1, "cleo": 40}):
            expected = {job.id: ahead for ahead, job in enumerate(in_turn(everything, live, {}))}
            assert places(connection, everything, live) == expected
            for size in (1, 7):
                asked = draw.sample(everything, size)
                assert places(connection, asked, live) == {job.id: expected[job.id] for job in asked}
    database.close()


async def test_a_list_says_how_many_are_ahead_and_asks_as_little_for_a_long_queue(place: Workspace) -> None:
    """Each listed job has its own place, and 300 queued jobs cost as many statements as three."""
    async with running(place, FakeCompute(cpus=1, memory=2 * GIB)) as control:
        first = control.jobs.submit(spec(name="first"))[0]
        await control.until(lambda: control.jobs.get(first.id).state is JobState.RUNNING)
        statements: list[str] = []
        event.listen(control.database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        asked = {}
        for number in (3, 300):
            while control.jobs.page(**PAGE).total < number + 1:
                control.jobs.submit(spec(name="queued"))
            statements.clear()
            page = control.jobs.page(**PAGE)
            asked[number] = len(statements)
            ahead = [job.reason for job in page.jobs if job.state is JobState.QUEUED]
            assert ahead[0] == f"Waits for a slot with 1 cpu, 2 GiB ({number - 1} ahead of it)."
            assert ahead[1] == f"Waits for a slot with 1 cpu, 2 GiB ({number - 2} ahead of it)."
        assert asked[300] == asked[3]

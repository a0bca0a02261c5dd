"""Logs in pages: nothing lost, nothing repeated, and never much of it in memory."""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from jupyter_slml.compute.chunks import Chunks
from jupyter_slml.compute.log import Log
from jupyter_slml.control.results import PAGE, Results
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import LogPage

from .conftest import Control

pytestmark = pytest.mark.anyio


async def printed(control: Control, attempt: str, size: int) -> str:
    """Have an attempt print about `size` characters, in pieces of all lengths, as the runner stores them."""
    chunks = Chunks(control.blobs, attempt, "log", lambda sequence: None)
    log = Log(chunks)
    dice = random.Random(attempt[-1])
    parts: list[str] = []
    while size > 0:
        piece = f"{len(parts)} é\x1b[31m\n" + "x" * dice.choice([0, 10, 1000, 100_000])
        log.add("out", piece)
        parts.append(piece)
        size -= len(piece)
        await chunks.room()
    await log.close()
    return "".join(parts)


def pages(results: Results, job: str, limit: int, after: int = 0) -> Iterator[LogPage]:
    while True:
        page = results.logs(job, after, limit=limit)
        yield page
        after = page.last
        if not page.more:
            return


async def test_a_long_log_comes_in_bounded_pages(control: Control) -> None:
    """20 MB over two attempts: each entry once and in order, whatever the page's size; a reader may stop and go on."""
    results = Results(control.database, control.blobs)
    job = control.jobs.submit(JobSpec(source="sleep", platform_retries=1))[0]
    wrote = ""
    for number in (1, 2):
        await control.until(lambda: control.jobs.get(job.id).state is JobState.RUNNING)
        attempt = control.jobs.attempts(job.id).attempts[-1]
        assert attempt.number == number
        wrote += await printed(control, attempt.id, 10_000_000)
        if number == 1:
            control.compute.lose(attempt.id)
            await control.until(lambda: len(control.jobs.attempts(job.id).attempts) == 2)
    # Pages that are smaller than a chunk, or than an entry, and the usual ones.
    for limit in (30_000, PAGE):
        tracemalloc.start()
        positions: list[int] = []
        text = []
        peak = 0
        for page in pages(results, job.id, limit):
            sizes = [len(entry.x.encode()) for entry in page.entries]
            assert sum(sizes) <= limit or len(sizes) == 1
            assert not page.done
            positions += [entry.q for entry in page.entries]
            assert page.last == positions[-1]
            text += [entry.x for entry in page.entries]
            peak = max(peak, tracemalloc.get_traced_memory()[1] - tracemalloc.get_traced_memory()[0])
            tracemalloc.reset_peak()
        tracemalloc.stop()
        assert "".join(text) == wrote
        assert positions == sorted(set(positions))
        assert positions[-1] < 2**53, "a browser counts no further"
        assert peak < 12 * 2**20
    middle = positions[len(positions) // 2]
    rest = "".join(entry.x for page in pages(results, job.id, PAGE, middle) for entry in page.entries)
    assert wrote.endswith(rest)
    assert rest == "".join(text[len(positions) // 2 + 1 :])
    # What is printed later is read from where the reader stopped.
    assert results.logs(job.id, positions[-1]) == LogPage(entries=[], last=positions[-1], more=False, done=False)
    control.compute.finish(control.jobs.attempts(job.id).attempts[-1].id)
    await control.until(lambda: control.jobs.get(job.id).state.is_final)
    assert results.logs(job.id, positions[-1]).done


async def test_the_end_of_a_log_is_read_without_the_rest(control: Control) -> None:
    """The last page ends where all pages end, and reads few objects to get there."""
    results = Results(control.database, control.blobs)
    job = control.jobs.submit(JobSpec(source="sleep"))[0]
    await control.until(lambda: control.jobs.get(job.id).state is JobState.RUNNING)
    assert results.logs(job.id, 0, tail=True).entries == []
    wrote = await printed(control, control.jobs.attempts(job.id).attempts[0].id, 5_000_000)
    *_, last = pages(results, job.id, PAGE)
    end = results.logs(job.id, 0, limit=200_000, tail=True)
    assert (end.last, end.more) == (last.last, False)
    text = "".join(entry.x for entry in end.entries)
    assert 50_000 < len(text) <= 200_000
    assert wrote.endswith(text)
    # Behind a position there is only what follows it, also when the last page could hold more.
    near = end.entries[0].q
    behind = [entry.q for entry in end.entries if entry.q > near]
    assert [entry.q for entry in results.logs(job.id, near, tail=True).entries] == behind
    assert await asyncio.to_thread(results.logs, job.id, end.last, tail=True) == LogPage(
        entries=[], last=end.last, done=False
    )

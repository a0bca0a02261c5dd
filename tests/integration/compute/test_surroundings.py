"""A disk that is full and a clock that jumps: jobs wait or fail with the reason, and work goes on."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute.link import RunnerPlace, end, ensure
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.storage.blobs import open_blobs

pytestmark = pytest.mark.anyio

MIB = 2**20


class Runner:
    """A runner of its own, whose surroundings a test may change."""

    def __init__(self, place: RunnerPlace) -> None:
        self.place = place

    async def start(self, order: Any) -> Any:
        reader, writer = await ensure(self.place)
        writer.write(json.dumps({"op": "supervise", "order": order.model_dump(mode="json")}).encode() + b"\n")
        return reader, writer

    async def until(self, streams: Any, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while (message := json.loads(await streams[0].readline()))["kind"] != kind:
                continue
        return dict(message)

    async def outcome(self, streams: Any) -> Outcome:
        message = await self.until(streams, "ended")
        streams[1].close()
        return Outcome.model_validate(message["outcome"])


def _place(run_dir: Path, data: Path, store: str) -> RunnerPlace:
    run = run_dir / new_id("w")
    return RunnerPlace(workspace=run.name, run=str(run), data=str(data), store=store)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_store_is_waited_for(run_dir: Path, tmp_path: Path, small_disk: Path, order_maker: Any) -> None:
    store = (small_disk / "blobs").as_uri()
    blobs = open_blobs(store)
    runner = Runner(_place(run_dir, tmp_path / "runner", store))
    order = order_maker(store)
    ballast = small_disk / "ballast"
    go = tmp_path / "go"
    source = (
        f"import os, time, numpy\nwhile not os.path.exists({str(go)!r}): time.sleep(.01)\n"
        "print('x' * 1000)\nmodel = numpy.arange(500_000.)"
    )
    try:
        running = await runner.start(asked := order(source))
        await runner.until(running, "first_line")
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        go.touch()
        waiting = await runner.start(order("x = 1"))
        ending = asyncio.create_task(runner.outcome(running))
        # It cannot store its 4 MB, and the other cannot store its start: both wait.
        log = tmp_path / "runner" / "runner.log"
        async with asyncio.timeout(30):
            while log.read_text().count("The disk of the blob store is full") < 4:
                await asyncio.sleep(0.01)
        assert not ending.done() and blobs.list(f"attempts/{asked.id}/outcome") == []
        ballast.unlink()
        outcomes = [await ending, await runner.outcome(waiting)]
        assert [outcome.state for outcome in outcomes] == [AttemptState.SUCCEEDED] * 2, outcomes
        assert outcomes[0].outputs[0].size > 4_000_000
    finally:
        await end(runner.place)


async def test_a_result_that_will_never_fit_fails_with_the_reason(
    run_dir: Path, tmp_path: Path, small_disk: Path, order_maker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLML_STORE_PATIENCE", "0.5")
    store = (small_disk / "blobs").as_uri()
    runner = Runner(_place(run_dir, tmp_path / "runner", store))
    order = order_maker(store)
    try:
        outcome = await runner.outcome(await runner.start(order("import numpy\nmodel = numpy.arange(4_000_000.)")))
        assert (outcome.state, outcome.reason) == (AttemptState.FAILED, Reason.PLATFORM)
        assert outcome.message == (
            "The cell's outputs could not be stored: The disk of the blob store is full.\n"
            "  Make room (jupyter slml stop --purge deletes a whole workspace), then try again."
        )
        again = await runner.outcome(await runner.start(order("x = 1")))
        assert again.state is AttemptState.SUCCEEDED
    finally:
        await end(runner.place)


async def test_a_clock_that_jumps_decides_nothing(
    run_dir: Path, tmp_path: Path, order_maker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "programs"))
    monkeypatch.setenv("SLML_TEST_CLOCK", str(clock))
    monkeypatch.setenv("SLML_RUNNER_IDLE", "60")
    store = (tmp_path / "blobs").as_uri()
    open_blobs(store)
    runner = Runner(_place(run_dir, tmp_path / "runner", store))
    order = order_maker(store)
    go = tmp_path / "go"
    source = f"import os, time\nslml.log(now=time.time())\nwhile not os.path.exists({str(go)!r}): time.sleep(.01)"
    try:
        first = await runner.start(order(source, timeout=50))
        await runner.until(first, "progress")
        clock.write_text("86400")
        # A day later, as it seems: nothing has timed out, nobody is idle, and new work starts.
        second = await runner.start(order(source, timeout=50))
        await runner.until(second, "progress")
        clock.write_text("-86400")
        third = await runner.start(order("while True: pass", timeout=0.5))
        outcome = await runner.outcome(third)
        assert (outcome.state, outcome.reason) == (AttemptState.TIMED_OUT, Reason.TIMEOUT)
        go.touch()
        outcomes = [await runner.outcome(first), await runner.outcome(second)]
        assert [item.state for item in outcomes] == [AttemptState.SUCCEEDED] * 2
        for item in outcomes:
            assert item.forked_at and item.first_line_at and item.ended_at
            assert item.forked_at <= item.first_line_at <= item.ended_at
        assert outcomes[1].metrics["now"] - outcomes[0].metrics["now"] > 86000
    finally:
        await end(runner.place)

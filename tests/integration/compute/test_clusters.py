"""Clusters that somebody else started, and runners that nobody needs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from jupyter_slml.compute import procfs
from jupyter_slml.compute.backend import DaskBackend
from jupyter_slml.compute.link import RunnerPlace, ask, end, ensure
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.settings import Settings, Workspace
from jupyter_slml.storage.blobs import open_blobs

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def scheduler() -> AsyncIterator[str]:
    """A cluster as a user may have it: a worker process, default settings, no word of us."""
    async with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", asynchronous=True, protocol="tcp"
    ) as cluster:
        yield cluster.scheduler_address


async def test_a_users_cluster_needs_no_preparation(
    scheduler: str, run_dir: Path, tmp_path: Path, order_maker: Any, until: Any, recorder: Any
) -> None:
    workspace = Workspace(home=tmp_path, run=run_dir / "users")
    workspace.prepare()
    store = workspace.blobs.as_uri()
    backend = DaskBackend(workspace, Settings(scheduler=scheduler), open_blobs(store))
    await backend.start(recorder)
    status = backend.status()
    assert (status.connected, status.owned, status.problem) == (True, False, "")
    asked = order_maker(store)("x = 1")
    await backend.submit(asked)
    await until(lambda: recorder.outcome(asked.id))
    assert recorder.outcome(asked.id).state is AttemptState.SUCCEEDED
    assert status.hosts[0].cpus == os.cpu_count()
    stopped = order_maker(store)("import time\nslml.log(x=1)\ntime.sleep(1000)")
    await backend.submit(stopped)
    await until(lambda: recorder.of("attempt_progress", stopped.id))
    await backend.stop(stopped.id, "stop", 0)
    await until(lambda: recorder.outcome(stopped.id))
    assert recorder.outcome(stopped.id).state is AttemptState.STOPPED
    await backend.shut_down()
    assert not list(procfs.marked("users/"))


async def test_a_scheduler_that_is_not_there_is_named(
    run_dir: Path, tmp_path: Path, recorder: Any, order_maker: Any
) -> None:
    workspace = Workspace(home=tmp_path, run=run_dir / "none")
    workspace.prepare()
    backend = DaskBackend(workspace, Settings(scheduler="tcp://127.0.0.1:9"), open_blobs(workspace.blobs.as_uri()))
    await backend.start(recorder)
    assert not backend.status().connected
    assert "tcp://127.0.0.1:9 does not answer" in backend.status().problem
    await backend.close()


async def test_a_runner_that_nobody_needs_leaves(
    run_dir: Path, tmp_path: Path, until: Any, monkeypatch: pytest.MonkeyPatch, order_maker: Any
) -> None:
    import json

    monkeypatch.setenv("SLML_RUNNER_IDLE", "0.3")
    store = (tmp_path / "blobs").as_uri()
    place = RunnerPlace(workspace="idle", run=str(run_dir / "idle"), data=str(tmp_path / "data"), store=store)
    reader, writer = await ensure(place)
    asked = order_maker(store)("import time; time.sleep(1)")
    writer.write(json.dumps({"op": "supervise", "order": asked.model_dump(mode="json")}).encode() + b"\n")
    hello = await ask(place, {"op": "hello"})
    assert hello is not None
    async with asyncio.timeout(30):
        while json.loads(await reader.readline())["kind"] != "ended":
            assert procfs.started(hello["pid"]) is not None
    writer.close()
    await until(lambda: procfs.started(hello["pid"]) is None)
    assert not list(procfs.marked("idle/"))


async def test_many_ask_for_a_runner_and_one_starts(run_dir: Path, tmp_path: Path) -> None:
    store = (tmp_path / "blobs").as_uri()
    place = RunnerPlace(workspace="crowd", run=str(run_dir / "crowd"), data=str(tmp_path / "data"), store=store)
    streams = await asyncio.gather(*(ensure(place) for _ in range(5)))
    answers = []
    for reader, writer in streams:
        writer.write(b'{"op": "hello"}\n')
        answers.append(await reader.readline())
        writer.close()
    import json

    assert len({json.loads(answer)["runner"] for answer in answers}) == 1
    await end(place)
    assert not list(procfs.marked("crowd/"))

"""Runners and workers of other versions of the package, which are other copies of it in processes of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from jupyter_slml import __version__
from jupyter_slml.compute import procfs
from jupyter_slml.compute.backend import DaskBackend
from jupyter_slml.compute.link import RunnerPlace, ask, ask_at, attach, end, reach
from jupyter_slml.compute.runners import retired
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.outcomes import Outcome
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import VersionMismatch
from jupyter_slml.settings import Settings, Workspace
from jupyter_slml.storage.blobs import open_blobs
from tests.packages import environment_with

pytestmark = pytest.mark.anyio

START = """
import asyncio, sys
from jupyter_slml.compute.link import RunnerPlace, ensure
asyncio.run(ensure(RunnerPlace(*sys.argv[1:])))
"""


@pytest.fixture
def place(run_dir: Path, tmp_path: Path) -> Iterator[RunnerPlace]:
    run = run_dir / new_id("v")
    store = (tmp_path / "blobs").as_uri()
    open_blobs(store)
    made = RunnerPlace(workspace=run.name, run=str(run), data=str(tmp_path / "runner"), store=store)
    yield made
    asyncio.run(end(made))
    assert not list(procfs.marked(f"{run.name}/"))
    assert [path.name for path in run.iterdir()] == ["runner.lock"]


def start_runner(place: RunnerPlace, environment: dict[str, str]) -> None:
    words = [place.workspace, place.run, place.data, place.store]
    subprocess.run([sys.executable, "-c", START, *words], check=True, timeout=60, env=environment, cwd="/")


async def supervise(place: RunnerPlace, order: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await reach(place, order.id)
    writer.write(json.dumps({"op": "supervise", "order": order.model_dump(mode="json")}).encode() + b"\n")
    return reader, writer


async def heard(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], kind: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (message := json.loads(await streams[0].readline()))["kind"] != kind:
            continue
    return message


async def outcome(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> Outcome:
    found = Outcome.model_validate((await heard(streams, "ended"))["outcome"])
    streams[1].close()
    return found


async def test_an_older_runner_ends_what_it_has_beside_the_new_one(
    place: RunnerPlace, tmp_path: Path, order_maker: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its orders go on, are found, followed and stopped, and keep their GPU; new ones go to the new runner."""
    monkeypatch.setenv("SLML_GPUS", "1")
    start_runner(place, environment_with("0.0.9", tmp_path))
    order = order_maker(place.store)
    gate = tmp_path / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)\n"
    first = order(wait + "open('mark', 'w').write('x')\nanswer = os.environ['CUDA_VISIBLE_DEVICES']", gpus=1)
    endless = order("import time\nslml.log(x=1)\ntime.sleep(1000)")
    followed = await supervise(place, first)
    stopped = await supervise(place, endless)
    await heard(followed, "first_line")
    await heard(stopped, "first_line")
    old = await ask(place, {"op": "hello"})
    assert old is not None and old["version"] == "0.0.9"

    _, writer = await attach(place)
    new = await ask(place, {"op": "hello"})
    assert new is not None and (new["version"], new["orders"]) == (__version__, [])
    assert new["runner"] != old["runner"]
    assert procfs.started(old["pid"]) is not None
    assert new["gpus"] == ["0"], "the older runner's GPU"
    listed = await ask(place, {"op": "list"})
    assert listed is not None and listed["orders"] == {first.id: "running", endless.id: "running"}
    # What nobody knows goes to the new runner; what the old one has is found there, by a second follower, too.
    second = await supervise(place, order("x = 1"))
    assert (await outcome(second)).state is AttemptState.SUCCEEDED
    waiting = await supervise(place, order("seen = 1", gpus=1))
    replayed = await ask(place, {"op": "replay", "id": first.id}) or {}
    assert "started" in [message["kind"] for message in replayed["messages"]]
    again = await supervise(place, first)
    await heard(again, "started")
    # An order that is new to it is not the old runner's any more.
    (path,) = retired(Path(place.run))
    straight, mouth = await asyncio.open_unix_connection(path)
    mouth.write(json.dumps({"op": "supervise", "order": order("1").model_dump(mode="json")}).encode() + b"\n")
    assert json.loads(await straight.readline()) == {"kind": "retired"}
    mouth.close()

    assert await ask(place, {"op": "stop", "id": endless.id, "reason": "stop", "grace": 0}) == {"known": True}
    assert (await outcome(stopped)).state is AttemptState.STOPPED
    assert procfs.started(old["pid"]) is not None
    gate.touch()
    for streams in (followed, again, waiting):
        assert (await outcome(streams)).state is AttemptState.SUCCEEDED
    await until(lambda: procfs.started(old["pid"]) is None)
    assert await ask_at(path, {"op": "hello"}) is None
    assert (await ask(place, {"op": "hello"}) or {})["runner"] == new["runner"]
    writer.close()


async def test_two_runners_end_together(place: RunnerPlace, tmp_path: Path, order_maker: Any) -> None:
    """`jupyter slml stop` leaves nothing of the older one either; a new one clears up after one that was killed."""
    start_runner(place, environment_with("0.0.9", tmp_path))
    for _ in range(2):
        streams = await supervise(place, order_maker(place.store)("import time; time.sleep(1000)"))
        await heard(streams, "first_line")
        streams[1].close()
        _, writer = await attach(place)
        writer.close()
    assert len(retired(Path(place.run))) == 1
    await end(place)
    assert not list(procfs.marked(f"{place.workspace}/"))
    _, writer = await attach(place)
    assert retired(Path(place.run)) == []
    writer.close()


async def test_an_older_package_leaves_a_newer_runner_alone(place: RunnerPlace, tmp_path: Path) -> None:
    start_runner(place, environment_with("99.0.0", tmp_path))
    with pytest.raises(VersionMismatch, match=r"The runner of this host has jupyter-slml 99\.0\.0") as caught:
        await attach(place)
    assert "pip install jupyter-slml==99.0.0" in str(caught.value.remedy)
    assert (await ask(place, {"op": "hello"}) or {})["version"] == "99.0.0"


async def test_workers_of_another_version_are_refused_with_the_line_to_type(
    run_dir: Path, tmp_path: Path, recorder: Any
) -> None:
    workspace = Workspace(home=tmp_path / "home", run=run_dir / "versions")
    workspace.prepare()
    async with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", asynchronous=True, protocol="tcp") as cluster:
        worker = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--no-dashboard", "--no-nanny"],
            env=environment_with("0.0.9", tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        try:
            async with asyncio.timeout(30):
                while not cluster.scheduler_info["workers"]:
                    await asyncio.sleep(0.05)
            backend = DaskBackend(
                workspace, Settings(scheduler=cluster.scheduler_address), open_blobs(workspace.blobs.as_uri())
            )
            await backend.start(recorder)
            status = backend.status()
            await backend.close()
        finally:
            worker.terminate()
            worker.wait(10)
    assert not status.connected
    assert f"The worker has jupyter-slml 0.0.9, the daemon {__version__}." in status.problem
    assert f"pip install jupyter-slml=={__version__}" in status.problem
    assert not list(procfs.marked("versions/"))

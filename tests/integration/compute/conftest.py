from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute import procfs
from jupyter_slml.compute.fork import Child
from jupyter_slml.compute.link import RunnerPlace, end, ensure
from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.domain.instances import INSTANCE_TYPES
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.orders import AttemptOrder, Limits
from jupyter_slml.domain.outcomes import Outcome
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.storage.blobs import open_blobs

PROGRAMS = Path(__file__).parent / "programs"
DEADLINE = 30.0

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """Short, because the path of a unix socket ends at 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="slml-test-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def until() -> Until:
    """Wait for a condition, with a deadline."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0.005)

    return wait


class Forked:
    """A child of the probe program and the ends of its pipes."""

    def __init__(self, child: Child, out: int, messages: int) -> None:
        self.child = child
        self.out = out
        self.messages = messages

    async def text(self) -> str:
        """Standard output and error to their end."""
        return (await asyncio.to_thread(_drain, self.out)).decode()


def _drain(fd: int) -> bytes:
    parts = []
    while part := os.read(fd, 65536):
        parts.append(part)
    return b"".join(parts)


class Probe:
    def __init__(self, zygotes: Zygotes) -> None:
        self.zygotes = zygotes
        self.forked: list[Forked] = []

    async def __call__(
        self,
        code: str,
        *,
        memory: int = 2**31,
        timeout: float | None = None,
        grace: float = 0.2,
        threads: int = 1,
        gate: bool = False,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Forked:
        out, out_write = os.pipe()
        messages, messages_write = os.pipe()
        limits = Limits(threads=threads, memory=memory, timeout=timeout, grace=grace)
        fds = [out_write, out_write, messages_write]
        try:
            child = await self.zygotes("probe", {"code": code}, limits, fds, gate=gate, env=env, cwd=cwd)
        finally:
            os.close(out_write)
            os.close(messages_write)
        self.forked.append(Forked(child, out, messages))
        return self.forked[-1]


@pytest.fixture(scope="module")
async def probe(run_dir: Path) -> AsyncIterator[Probe]:
    """A zygote with a program that runs what the test sends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PROGRAMS))
        zygotes = Zygotes(run_dir, run_dir / "zygote.log", "test/probe", {"probe": "probe:run"})
        await zygotes.start()
        probe = Probe(zygotes)
        yield probe
        for forked in probe.forked:
            forked.child.release()
            os.close(forked.out)
            os.close(forked.messages)
        await zygotes.close()
    assert not [pid for pid, _ in procfs.marked("test/probe") if not await _gone(pid)]


async def _gone(pid: int) -> bool:
    async with asyncio.timeout(DEADLINE):
        while procfs.started(pid) is not None:
            await asyncio.sleep(0.005)
    return True


class Order:
    """Makes attempt orders against the store of a test."""

    def __init__(self, store: str) -> None:
        self.store = store

    def __call__(self, source: str, **more: Any) -> AttemptOrder:
        limits = {key: more.pop(key) for key in ("memory", "timeout", "grace", "threads", "disk", "gpus") if key in more}
        identity = more.pop("id", new_id("attempt"))
        spec = JobSpec(name="churn", source=source, **more)
        return AttemptOrder(
            id=identity,
            job=new_id("job"),
            job_name="churn",
            number=1,
            spec=spec,
            limits=Limits(**{"threads": 1, "memory": 2**31, "grace": 0.5, **limits}),
            resources=INSTANCE_TYPES[spec.instance].resources,
            store=self.store,
        )


@pytest.fixture(scope="module")
def place(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerPlace]:
    """A workspace with a local store; whatever its runner left is ended."""
    folder = tmp_path_factory.mktemp("workspace")
    store = (folder / "blobs").as_uri()
    open_blobs(store)
    run = run_dir / new_id("w")
    place = RunnerPlace(workspace=run.name, run=str(run), data=str(folder / "runner"), store=store)
    yield place
    asyncio.run(end(place))
    assert not list(procfs.marked(f"{run.name}/"))


@pytest.fixture(scope="module")
def blobs(place: RunnerPlace) -> Blobs:
    return open_blobs(place.store)


@pytest.fixture(scope="session")
def order_maker() -> type[Order]:
    return Order


@pytest.fixture(scope="module")
def order(place: RunnerPlace) -> Order:
    return Order(place.store)


class Followed:
    """A supervise stream of the runner."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.heard: list[dict[str, Any]] = []

    async def until(self, kind: str | None = None, deadline: float = DEADLINE) -> dict[str, Any]:
        """The next message of this kind; None: the last one."""
        async with asyncio.timeout(deadline):
            while line := await self._reader.readline():
                message = json.loads(line)
                self.heard.append(message)
                if message["kind"] in ([kind] if kind else ["ended", "fenced", "lost"]):
                    return message
        raise EOFError("the runner went away")

    async def outcome(self) -> Outcome:
        return Outcome.model_validate((await self.until())["outcome"])

    def close(self) -> None:
        self._writer.close()


@pytest.fixture(scope="module")
async def follow(place: RunnerPlace) -> AsyncIterator[Callable[[AttemptOrder], Awaitable[Followed]]]:
    """Give an order to the runner (started when there is none)."""
    streams: list[Followed] = []

    async def follow(order: AttemptOrder) -> Followed:
        reader, writer = await ensure(place)
        writer.write(json.dumps({"op": "supervise", "order": order.model_dump(mode="json")}).encode() + b"\n")
        streams.append(Followed(reader, writer))
        return streams[-1]

    yield follow
    for followed in streams:
        followed.close()


def log_text(blobs: Blobs, attempt: str) -> str:
    keys = blobs.list(f"attempts/{attempt}/log")
    assert [key.rpartition("/")[2] for key in keys] == [f"{number + 1:08d}.jsonl" for number in range(len(keys))]
    lines = b"".join(blobs.get(key) for key in keys).splitlines()
    return "".join(json.loads(line)["x"] for line in lines)


@pytest.fixture(scope="module")
def log(blobs: Blobs) -> Callable[[str], str]:
    """All that an attempt printed, from the chunks in the store."""
    return lambda attempt: log_text(blobs, attempt)


class Recorder:
    """An observer that remembers, and wakes whoever waits."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.changes = 0

    def of(self, name: str, order: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[:2] == (name, order)]

    def outcome(self, order: str) -> Outcome | None:
        ended = self.of("attempt_ended", order)
        assert len(ended) <= 1
        return ended[0][2] if ended else None

    def attempt_ended(self, outcome: Outcome) -> None:
        self.calls.append(("attempt_ended", outcome.attempt, outcome))

    def cluster_changed(self) -> None:
        self.changes += 1

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith(("attempt_", "replica_")):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, *arguments))


@pytest.fixture(scope="session")
def make_recorder() -> type[Recorder]:
    return Recorder


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from jupyter_slml.compute import procfs
from jupyter_slml.compute.fork import Child
from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.domain.orders import Limits

PROGRAMS = Path(__file__).parent / "programs"
DEADLINE = 60.0

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
    assert not [pid for pid, _ in procfs.marked("test/probe") if procfs.started(pid) and not await _gone(pid)]


async def _gone(pid: int) -> bool:
    async with asyncio.timeout(DEADLINE):
        while procfs.started(pid) is not None:
            await asyncio.sleep(0.005)
    return True

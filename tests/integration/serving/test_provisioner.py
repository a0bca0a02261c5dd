"""The provisioner as jupyter_client's own managers use it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.errors import SlmlError
from jupyter_slml.serving.replica.provisioner import VARIABLE, ZygoteProvisioner
from tests.integration.serving.stage import DEADLINE

IPYKERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


class Specs(KernelSpecManager):
    """One spec that asks for our provisioner."""

    def __init__(self, argv: list[str], config: dict[str, Any]) -> None:
        super().__init__()
        provisioner = {"provisioner_name": "slml-zygote", "config": config}
        self._spec = KernelSpec(argv=argv, display_name="x", language="python", metadata={"kernel_provisioner": provisioner})

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self._spec


def manager(run: Path, argv: list[str], **config: Any) -> AsyncKernelManager:
    return AsyncKernelManager(
        kernel_name="x",
        kernel_spec_manager=Specs(argv, config),
        connection_file=str(run / "kernel.json"),
        transport="ipc",
        ip=str(run / "kernel"),
    )


async def says(kernel: AsyncKernelManager, code: str) -> str:
    client = kernel.client()
    client.start_channels()
    heard: list[str] = []
    try:
        await client.wait_for_ready(timeout=DEADLINE)
        await client.execute_interactive(
            code, timeout=DEADLINE, output_hook=lambda message: heard.append(message["content"].get("text", ""))
        )
    finally:
        client.stop_channels()
    return "".join(heard).strip()


@pytest.mark.parametrize("named_by", ["config", "environment"])
def test_an_ipykernel_is_forked(zygotes: Zygotes, tmp_run: Path, monkeypatch: pytest.MonkeyPatch, named_by: str) -> None:
    config = {"zygote": str(zygotes.socket)} if named_by == "config" else {}
    if named_by == "environment":
        monkeypatch.setenv(VARIABLE, str(zygotes.socket))

    async def use() -> None:
        kernel = manager(tmp_run, IPYKERNEL, **config)
        await kernel.start_kernel(env={**os.environ, "SLML_TEST": "given"})
        assert isinstance(kernel.provisioner, ZygoteProvisioner)
        first = kernel.provisioner.pid
        assert await says(kernel, "import os; print(os.getpid(), os.environ['SLML_TEST'])") == f"{first} given"
        assert await kernel.is_alive()
        info = await kernel.provisioner.get_provisioner_info()
        assert info["pid"] == first
        await kernel.restart_kernel()
        assert await says(kernel, "import os; print(os.getpid())") == str(kernel.provisioner.pid) != str(first)
        await kernel.restart_kernel(now=True)
        assert await kernel.is_alive()
        await kernel.shutdown_kernel()
        assert not await kernel.is_alive()
        assert not kernel.provisioner or not kernel.provisioner.has_process

    asyncio.run(use())
    assert list(tmp_run.iterdir()) == []


def test_a_killed_kernel_is_noticed(zygotes: Zygotes, tmp_run: Path) -> None:
    async def use() -> None:
        kernel = manager(tmp_run, IPYKERNEL, zygote=str(zygotes.socket))
        await kernel.start_kernel()
        provisioner = kernel.provisioner
        assert isinstance(provisioner, ZygoteProvisioner)
        await provisioner.kill()
        assert await asyncio.wait_for(provisioner.wait(), DEADLINE) == -9
        assert not await kernel.is_alive()
        # A signal to nobody is no error.
        await provisioner.send_signal(15)
        await kernel.cleanup_resources()

    asyncio.run(use())


def test_another_kernel_is_an_ordinary_process(tmp_run: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)", "{connection_file}"]

    async def use() -> None:
        kernel = manager(tmp_run, sleeper)
        await kernel.start_kernel()
        assert isinstance(kernel.provisioner, ZygoteProvisioner) and not kernel.provisioner.forks
        assert kernel.provisioner.has_process and await kernel.is_alive()
        await kernel.shutdown_kernel(now=True)
        assert not await kernel.is_alive()

    asyncio.run(use())


@pytest.mark.parametrize("config", [{}, {"zygote": "/nonexistent/zygote"}])
def test_a_missing_zygote_is_named(tmp_run: Path, config: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    async def use() -> None:
        kernel = manager(tmp_run, IPYKERNEL, **config)
        try:
            await kernel.start_kernel()
        finally:
            await kernel.cleanup_resources()

    with pytest.raises(SlmlError, match="zygote"):
        asyncio.run(use())

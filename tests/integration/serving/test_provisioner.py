"""The provisioner as jupyter_client's own managers use it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.multikernelmanager import MultiKernelManager
from nbclient import NotebookClient

from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.errors import SlmlError
from jupyter_slml.serving.replica.provisioner import VARIABLE, ZygoteProvisioner, arguments
from jupyter_slml.settings import HOME_VARIABLE, workspace
from tests.integration.serving.stage import DEADLINE, until

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


def test_a_missing_zygote_is_named(tmp_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    async def use() -> None:
        kernel = manager(tmp_run, IPYKERNEL, zygote="/nonexistent/zygote")
        try:
            await kernel.start_kernel()
        finally:
            await kernel.cleanup_resources()

    with pytest.raises(SlmlError, match="zygote"):
        asyncio.run(use())


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Kernel specs on disk, as people install them: one of ipykernel's own, with a word of its own, and a small kernel that
    is none of ipykernel's command."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(VARIABLE, raising=False)
    program = tmp_path / "echo.py"
    program.write_text(ECHO)
    fast = ["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--quiet"]
    commands = {
        "fast": [*fast, "--IPKernelApp.exec_lines=word='hi'"],
        "echo": ["python", str(program), "-f", "{connection_file}"],
    }
    for name, argv in commands.items():
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {
            "argv": argv,
            "display_name": name,
            "language": "python",
            "env": {"SLML_TEST": "from the spec"},
            "metadata": {"kernel_provisioner": {"provisioner_name": "slml-zygote"}},
        }
        (folder / "kernel.json").write_text(json.dumps(spec))
    return tmp_path


#: A kernel that is not IPython's.
ECHO = """
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Echo(Kernel):
    implementation = banner = "echo"
    implementation_version = "1"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    async def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False):
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code.upper()})
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

IPKernelApp.launch_instance(kernel_class=Echo)
"""


def run(folder: Path, kernel: str, *cells: str) -> list[str]:
    """A notebook's printed outputs, executed by nbclient with its own manager, over TCP."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name=kernel, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    return [output["text"].strip() for cell in notebook.cells for output in cell.outputs]


def test_kernel_specs_on_disk(specs: Path, zygotes: Zygotes, monkeypatch: pytest.MonkeyPatch) -> None:
    """As others use the entry point: by name, in any manager, with the spec's own arguments and environment, and in the
    manager's directory; the same kernel without a zygote is an ordinary process, as is any other kernel."""
    monkeypatch.setenv("SLML_ONLY_HERE", "yes")
    look = f"import os; print(os.getcwd() == {str(specs)!r}, os.environ['SLML_TEST'], os.environ['SLML_ONLY_HERE'], word)"
    forked = "import psutil; print('zygote' in ' '.join(psutil.Process().cmdline()))"
    right = "True from the spec yes hi"
    assert run(specs, "fast", look, forked) == [right, "False"]
    monkeypatch.setenv(VARIABLE, str(zygotes.socket))
    assert run(specs, "fast", look, forked) == [right, "True"]
    assert run(specs, "echo", "hello") == ["HELLO"]
    # The workspace's own zygote is found without being named.
    monkeypatch.delenv(VARIABLE)
    place = workspace()
    place.prepare()
    (place.run / "zygote-1.sock").symlink_to(zygotes.socket)
    try:
        assert run(specs, "fast", forked) == ["True"]
    finally:
        shutil.rmtree(place.run)


def test_a_blocking_manager_over_tcp(specs: Path, zygotes: Zygotes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt, restart and shut down, as Jupyter servers do it, for a fork and for an ordinary process."""
    for named in (str(zygotes.socket), ""):
        monkeypatch.setenv(VARIABLE, named)
        kernels = MultiKernelManager()
        name = kernels.start_kernel(kernel_name="fast")
        kernel = kernels.get_kernel(name)
        assert isinstance(kernel.provisioner, ZygoteProvisioner) and kernel.provisioner.forks is bool(named)
        client = kernel.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=DEADLINE)
            sent = client.execute("print('begun')\nwhile True: pass")
            until(lambda client=client: client.get_iopub_msg(timeout=DEADLINE)["msg_type"] == "stream", "it is busy")
            kernels.interrupt_kernel(name)
            reply = client.get_shell_msg(timeout=DEADLINE)
            assert reply["parent_header"]["msg_id"] == sent and reply["content"]["ename"] == "KeyboardInterrupt"
            kernels.restart_kernel(name)
            client.wait_for_ready(timeout=DEADLINE)
            assert client.execute_interactive("x", timeout=DEADLINE)["content"]["ename"] == "NameError"
            info = asyncio.run(kernel.provisioner.get_provisioner_info())
            pid = info["pid"]
        finally:
            client.stop_channels()
            kernels.shutdown_all(now=True)
        until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "it is gone")


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], []),
        ([sys.executable, "-m", "ipykernel", "--f={connection_file}", "--matplotlib=inline"], ["--matplotlib=inline"]),
        (["/other/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], None),
        (["python", "-O", "-m", "ipykernel_launcher", "-f", "{connection_file}"], None),
        (["python", "-m", "bash_kernel", "-f", "{connection_file}"], None),
        (["env", "A=1", "python", "-m", "ipykernel_launcher"], None),
        ([], None),
    ],
)
def test_which_commands_a_fork_can_be(argv: list[str], found: list[str] | None) -> None:
    assert arguments(argv) == found

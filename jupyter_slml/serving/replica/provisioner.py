"""Kernels by fork: a jupyter_client provisioner that asks a zygote for a kernel instead of starting a Python.

In a kernel spec: `"metadata": {"kernel_provisioner": {"provisioner_name": "slml-zygote", "config": {"zygote": "/path"}}}`,
or without the path and with SLML_ZYGOTE in the environment. Kernels other than ipykernel are started as ordinary processes.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyTrait
from traitlets import Unicode, default

from jupyter_slml.errors import Invalid
from jupyter_slml.serving.replica.zygote import Forked, fork_kernel

VARIABLE = "SLML_ZYGOTE"

ForkKernel = Callable[[str, Mapping[str, str]], Awaitable[Forked]]


class ZygoteProvisioner(LocalProvisioner):
    """Starts, watches and signals one kernel; may start it again after it ended."""

    zygote = Unicode(help="Path of the zygote's unix socket").tag(config=True)
    #: Called with the connection file and the environment, instead of asking the socket.
    fork = AnyTrait(None, allow_none=True)

    _forked: Forked | None = None
    _pidfd: int | None = None
    _code: int | None = None

    @default("zygote")
    def _zygote_from_environment(self) -> str:
        return os.environ.get(VARIABLE, "")

    @property
    def forks(self) -> bool:
        """Whether the kernel is one that a zygote can be: an ipykernel."""
        return any(word.startswith("ipykernel") for word in self.kernel_spec.argv)

    @property
    def has_process(self) -> bool:
        return self._forked is not None if self.forks else super().has_process

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel. Raises Unavailable when the zygote does not answer, Invalid when no zygote is named."""
        if not self.forks:
            return await super().launch_kernel(cmd, **kwargs)
        manager: Any = self.parent
        connection_file = manager.connection_file
        # What the environment of this process and the kernel's differ in; the zygote has the rest already.
        given = kwargs.get("env") or {}
        changed = {name: value for name, value in given.items() if os.environ.get(name) != value}
        if self.fork is not None:
            self._forked = await self.fork(connection_file, changed)
        elif self.zygote:
            self.cwd = str(kwargs.get("cwd") or Path.cwd())
            self._forked = await fork_kernel(self.zygote, {"connection_file": connection_file}, changed, self.cwd)
        else:
            raise Invalid(
                "No zygote is named to fork the kernel from.",
                field="zygote",
                remedy=f"Set {VARIABLE} to the path of its socket, or zygote in the kernel spec's provisioner config.",
            )
        self.pid = self._forked.pid
        self._code = None
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._code = -signal.SIGKILL
        return self.connection_info

    async def poll(self) -> int | None:
        if not self.forks:
            return await super().poll()
        if self._pidfd is None:
            return self._code or 0
        watch = select.poll()
        watch.register(self._pidfd, select.POLLIN)
        return 0 if watch.poll(0) else None

    async def wait(self) -> int | None:
        if not self.forks:
            return await super().wait()
        if self._forked is None:
            return self._code
        ended = await self._forked.wait()
        code = ended.get("code")
        self._code = int(code) if code is not None else -signal.SIGKILL
        self._forget()
        return self._code

    async def send_signal(self, signum: int) -> None:
        if not self.forks:
            return await super().send_signal(signum)
        # The pidfd means this kernel and never a later process with its number. Its keeper ends what it leaves behind.
        if self._pidfd is not None:
            try:
                signal.pidfd_send_signal(self._pidfd, signum)
            except ProcessLookupError:
                return None
        return None

    async def kill(self, restart: bool = False) -> None:
        await (self.send_signal(signal.SIGKILL) if self.forks else super().kill(restart))

    async def terminate(self, restart: bool = False) -> None:
        await (self.send_signal(signal.SIGTERM) if self.forks else super().terminate(restart))

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self.forks and await self.poll() is not None:
            self._forget()

    def _forget(self) -> None:
        self._forked = None
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

"""Kernels by fork: a jupyter_client provisioner that asks a zygote for a kernel instead of starting a Python.

In a kernel spec: `"metadata": {"kernel_provisioner": {"provisioner_name": "slml-zygote", "config": {"zygote": "/path"}}}`.
Without the path it is the zygote that SLML_ZYGOTE names, or that of this host's workspace when it runs. Where there is none,
and for kernels that a fork cannot be (other than ipykernel, with another interpreter or options for it), it starts an
ordinary process.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyTrait
from traitlets import Unicode, default

from jupyter_slml.serving.replica.zygote import Forked, fork_kernel, listens
from jupyter_slml.settings import workspace

log = logging.getLogger("slml.provisioner")

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
    #: Whether the kernel is an ordinary process although it could be a fork: there was no zygote.
    _ordinary = False

    @default("zygote")
    def _zygote_from_environment(self) -> str:
        return os.environ.get(VARIABLE, "")

    @property
    def forks(self) -> bool:
        """Whether the kernel is, or will be, a fork of a zygote."""
        return not self._ordinary and arguments(self.kernel_spec.argv) is not None

    @property
    def has_process(self) -> bool:
        return self._forked is not None if self.forks else super().has_process

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel, or start a process where there is nothing to fork it from. Raises Unavailable when the zygote
        that was named does not answer."""
        more = arguments(self.kernel_spec.argv)
        zygote = self.zygote or (_workspaces() if self.fork is None else "")
        self._ordinary = more is not None and self.fork is None and not zygote
        if more is None or self._ordinary:
            if self._ordinary:
                log.warning("No zygote runs, so the kernel is started as an ordinary process.")
            return await super().launch_kernel(cmd, **kwargs)
        manager: Any = self.parent
        connection_file = manager.connection_file
        given = kwargs.get("env") or {}
        if self.fork is not None:
            # The zygote is of our own environment, and needs to hear only of what differs.
            changed = {name: value for name, value in given.items() if os.environ.get(name) != value}
            self._forked = await self.fork(connection_file, changed)
        else:
            self.cwd = str(kwargs.get("cwd") or Path.cwd())
            payload = {"connection_file": connection_file, "arguments": more}
            self._forked = await fork_kernel(zygote, payload, given, self.cwd)
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


def arguments(argv: Sequence[str]) -> list[str] | None:
    """The arguments for ipykernel in a kernel spec's command; None for a command that no fork of our interpreter can be."""
    words = [word for word in argv if word not in _HARMLESS]
    if len(words) < 3 or words[1] != "-m" or words[2] not in ("ipykernel", "ipykernel_launcher") or not _ours(words[0]):
        return None
    found: list[str] = []
    rest = iter(words[3:])
    for word in rest:
        if word == "-f":
            next(rest, None)
        elif "{connection_file}" not in word:
            found.append(word)
    return found


#: What ipykernel's own kernel specs say to the interpreter.
_HARMLESS = ("-Xfrozen_modules=off",)


def _ours(program: str) -> bool:
    """Whether that is the interpreter that runs here, whose packages the zygote has, too."""
    own = Path(sys.executable)
    return program in ("python", "python3", own.name) or Path(program).absolute() == own.absolute()


def _workspaces() -> str:
    """The socket of the zygote of this host's workspace; nothing when none listens."""
    run = workspace().run
    try:
        found = sorted(run.glob("zygote-*.sock"), key=lambda path: path.stat().st_mtime, reverse=True)
        return next((str(path) for path in found if path.stat().st_uid == os.getuid() and listens(path)), "")
    except OSError:
        return ""

"""Who looks after one replica, in the runner of its host: starts its kernel, relays what it says, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from jupyter_slml.domain.orders import Limits, ReplicaOrder
from jupyter_slml.errors import IntegrityError, NotFound
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.serving.replica.lines import LineReader

#: Last lines of the kernel's output that are kept, for the message when it fails.
KEPT_LINES = 30
SHOWN_LINES = 8
#: How long the last bytes in the pipes of an ended kernel may take.
PIPE_TIME = 1.0

Message = dict[str, Any]


class Child(Protocol):
    """What a fork gives."""

    pid: int
    started: float

    async def wait(self) -> dict[str, Any]: ...

    async def stop(self, grace: float, reason: str = ...) -> dict[str, Any]: ...


class Fork(Protocol):
    async def __call__(
        self,
        program: str,
        payload: Mapping[str, Any],
        limits: Limits,
        fds: Sequence[int],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Child: ...


class Context(Protocol):
    """What it needs of the runner."""

    @property
    def run(self) -> Path: ...

    @property
    def blobs(self) -> Blobs: ...

    @property
    def fork(self) -> Fork: ...

    @property
    def cache(self) -> Path: ...

    def scratch(self, order_id: str) -> Path: ...


class ReplicaSupervisor:
    """One replica from its order to its end. `manager` is an ordinary kernel manager: interrupt, restart, clients."""

    def __init__(self, order: ReplicaOrder, context: Context) -> None:
        self._order = order
        self._context = context
        self._emit: Callable[[Message], None] = lambda message: None
        self._said: dict[str, Message] = {}
        self._failure: dict[str, Any] | None = None
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._reason: str | None = None
        self._path: Path | None = None
        self._child: Child | None = None
        self._up = False
        #: When it last gave a sign of life, how long it had been at its batch then, and why it was ended for that.
        self._alive_at = time.monotonic()
        self._busy = 0.0
        self._hung: str | None = None
        self._pipes: list[asyncio.Task[None]] = []
        self.manager = AsyncKernelManager(
            kernel_name="slml-replica",
            kernel_spec_manager=_OneSpec(self._fork),
            connection_file=str(context.run / f"{order.id}.json"),
            transport="ipc",
            ip=str(context.run / order.id),
        )

    async def run(self, emit: Callable[[Message], None]) -> Message:
        """Start the replica and wait for its end. Raises Unavailable when the store or the zygote cannot be reached."""
        self._emit = emit
        order = self._order
        try:
            self._path = await asyncio.to_thread(self._context.blobs.local, order.digest, self._context.cache)
        except (NotFound, IntegrityError) as error:
            described = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
            return _ended("failed", f"{order.model}@{order.version} cannot be loaded: {error.message}", described)
        if self._is_stopping():
            return self._last_word({})
        scratch = self._context.scratch(order.id)
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            await self.manager.start_kernel()
            self._up = True
            if self._is_stopping():
                await self._end(0)
            assert self._child is not None
            health = asyncio.create_task(self._watch(self._child), name=f"health-{order.id}")
            try:
                ended = await self._child.wait()
            finally:
                health.cancel()
            await asyncio.wait(self._pipes, timeout=PIPE_TIME)
            return self._last_word(ended)
        finally:
            if self._child is not None:
                await self._child.stop(0)
            for pipe in self._pipes:
                pipe.cancel()
            await self.manager.cleanup_resources()
            shutil.rmtree(scratch, ignore_errors=True)

    async def stop(self, reason: str, grace: float) -> None:
        """Shut the kernel down; after `grace` seconds it is killed. `run` returns soon after."""
        first = self._reason is None
        self._reason = self._reason or reason
        if self._child is not None:
            await self._end(grace if first else 0)

    def replay(self) -> list[Message]:
        return [self._said[kind] for kind in ("started", "ready") if kind in self._said]

    def _is_stopping(self) -> bool:
        return self._reason is not None

    async def _end(self, grace: float) -> None:
        child = self._child
        if child is None:
            return
        # The manager cannot shut down what it is still starting; and then there is nothing to shut down politely.
        if grace > 0 and self._up:
            self.manager.shutdown_wait_time = grace
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self.manager.shutdown_kernel()
                return
        await child.stop(0)

    async def _fork(self, connection_file: str, env: Mapping[str, str]) -> Child:
        """Called by the provisioner at each start of the kernel."""
        order = self._order
        payload = {
            "connection_file": connection_file,
            "path": str(self._path),
            "endpoint": order.endpoint,
            "revision": order.revision,
            "replica": order.id,
            "model": order.model,
            "version": order.version,
            "digest": order.digest,
            "format": order.format,
            "allow_pickle": order.allow_pickle,
            "sample": order.sample,
            "signature": order.signature,
            "threads": order.limits.threads,
            "gateways": order.doors,
            "standby": order.standby,
            "patience": order.patience,
            "token": order.token,
            "asked_at": time.time(),
        }
        out_read, out_write = os.pipe()
        say_read, say_write = os.pipe()
        try:
            child = await self._context.fork(
                "replica",
                payload,
                order.limits,
                (out_write, out_write, say_write),
                env=env,
                cwd=self._context.scratch(order.id),
            )
        except BaseException:
            os.close(out_read)
            os.close(say_read)
            raise
        finally:
            os.close(out_write)
            os.close(say_write)
        self._child = child
        self._say({"kind": "started", "pid": child.pid, "at": child.started})
        self._pipes = [
            asyncio.create_task(LineReader.read(out_read, self._lines.append)),
            asyncio.create_task(LineReader.read(say_read, self._hear)),
        ]
        return child

    async def _watch(self, child: Child) -> None:
        """End the replica when it has been silent, or at one batch, for longer than its patience. Loading may take long."""
        patience = self._order.patience
        while True:
            await asyncio.sleep(min(1.0, patience / 4))
            silent = time.monotonic() - self._alive_at if "ready" in self._said else 0.0
            if max(silent, self._busy) <= patience:
                continue
            what = f"was at one batch for {self._busy:.0f} s" if self._busy > patience else f"was silent for {silent:.0f} s"
            self._hung = f"The replica {what}, which is longer than the {patience:g} s it has: it hangs, and was ended."
            await child.stop(0, "hung")
            return

    def _hear(self, line: str) -> None:
        message = json.loads(line)
        if message.get("kind") == "failed":
            self._failure = message["error"]
        elif message.get("kind") == "ready":
            self._say(message)
        elif message.get("kind") == "alive":
            self._alive_at = time.monotonic()
            self._busy = float(message["busy"])

    def _say(self, message: Message) -> None:
        self._alive_at = time.monotonic()
        self._said[message["kind"]] = message
        self._emit(message)

    def _last_word(self, ended: Mapping[str, Any]) -> Message:
        """What the end of the process means: asked for, the model's fault, or the platform's."""
        order = self._order
        name = f"{order.model}@{order.version}"
        code, reason = ended.get("code"), ended.get("reason")
        if self._reason is not None:
            return _ended("stopped", self._reason)
        if self._hung is not None:
            if "ready" in self._said:
                return _ended("lost", self._hung)
            message = f"{name} did not answer a sample within {order.patience:g} s."
            return _ended("failed", message, {"ename": "TimeoutError", "evalue": message, "traceback": []})
        if self._failure is not None:
            first = str(self._failure["evalue"]).partition("\n")[0]
            return _ended("failed", f"{name} could not be loaded: {self._failure['ename']}: {first}", self._failure)
        tail = list(self._lines)[-SHOWN_LINES:]
        if reason == "memory":
            message = f"{name} needs more memory than its instance type has ({order.limits.memory / 2**20:.0f} MiB)."
            return _ended("failed", message, {"ename": "MemoryError", "evalue": message, "traceback": tail})
        how = f"signal {-code}" if isinstance(code, int) and code < 0 else f"exit status {code}"
        message = "\n".join([f"The replica of {name} ended ({how}).", *tail])
        if "ready" in self._said or reason is not None or code is None or code == -9:
            return _ended("lost", message)
        return _ended("failed", message, {"ename": "Exit", "evalue": how, "traceback": tail})


def _ended(state: str, message: str, error: dict[str, Any] | None = None) -> Message:
    return {"kind": "ended", "state": state, "message": message, "error": error}


class _OneSpec(KernelSpecManager):
    """Knows the one kernel spec there is: an ipykernel that is forked by `fork`."""

    def __init__(self, fork: Callable[[str, Mapping[str, str]], Any]) -> None:
        super().__init__()
        self._spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Serving kernel",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": "slml-zygote", "config": {"fork": fork}}},
        )

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self._spec

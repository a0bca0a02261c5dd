"""Ask a zygote for a child and look after it: the client's side of the fork protocol.

One connection per child. The request is one JSON line with the child's file descriptors beside it; from then on the other
end is the child's *keeper*, which answers `started` and `ended` and obeys `signal` and `stop`. When this connection closes,
for whatever reason, the keeper kills the child and everything it started: that is what ends all when a runner is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_slml.domain.orders import Limits
from jupyter_slml.errors import Unavailable

#: How long a keeper may take to answer `started`.
START_TIMEOUT = 30.0


class Child:
    """A forked process, seen from the runner."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: int | None) -> None:
        self._reader = reader
        self._writer = writer
        self._gate = gate
        self._ended: asyncio.Task[dict[str, Any]] | None = None
        self.pid = 0
        #: The keeper's pid: parent and subreaper of all that the child starts.
        self.keeper = 0
        #: Epoch seconds of the fork.
        self.started = 0.0

    async def attach(self) -> None:
        """Wait for `started`. Raises Unavailable when the keeper dies first or refuses."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                answer = await self._next()
        except TimeoutError:
            answer = None
        if not answer or "started" not in answer:
            self.release()
            problem = (answer or {}).get("failed", "it gave no answer")
            raise Unavailable(f"The zygote could not fork a process: {problem}.")
        self.pid, self.keeper, self.started = answer["started"], answer["keeper"], answer["at"]
        self._ended = asyncio.create_task(self._await_end(), name=f"child-{self.pid}")

    async def _next(self) -> dict[str, Any] | None:
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):
            return None
        return json.loads(line) if line.endswith(b"\n") else None

    async def _await_end(self) -> dict[str, Any]:
        ended: dict[str, Any] | None = None
        while ended is None:
            answer = await self._next()
            if answer is None:
                ended = {"code": None, "reason": "lost", "peak_memory": None, "cpu_seconds": None, "at": None}
            else:
                ended = answer.get("ended")
        self.release()
        return ended

    def go(self) -> None:
        """Open the gate: the child may run its first line, and its time begins. Without a gate, nothing happens."""
        gate, self._gate = self._gate, None
        if gate is not None:
            self._say({"go": True})
            with contextlib.suppress(BrokenPipeError):
                os.write(gate, b"g")
            os.close(gate)

    async def wait(self) -> dict[str, Any]:
        """`{code, reason, peak_memory, cpu_seconds, at, …}` when the child and all that it started are gone.

        `code` as in `subprocess` (negative: that signal); `reason` is None, `memory`, `timeout` or what `stop` was given;
        `lost` when the keeper died (the child dies with it). May be awaited by several.
        """
        assert self._ended is not None
        return await asyncio.shield(self._ended)

    def signal(self, number: int) -> None:
        """Send a signal to the child alone."""
        self._say({"signal": int(number)})

    async def stop(self, grace: float, reason: str = "stop") -> dict[str, Any]:
        """SIGTERM to all that the child started, after `grace` seconds SIGKILL until nothing is left; then as `wait`.

        A later call with a shorter grace hastens an earlier one; the first reason stays.
        """
        self._say({"stop": {"grace": grace, "reason": reason}})
        return await self.wait()

    def release(self) -> None:
        """Let go: what still lives is killed by the keeper at once. Does not wait."""
        gate, self._gate = self._gate, None
        if gate is not None:
            os.close(gate)
        self._writer.close()

    def _say(self, message: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")


async def fork(
    zygote: Path,
    program: str,
    payload: Mapping[str, Any],
    fds: Sequence[int],
    limits: Limits,
    *,
    gate: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Child:
    """Fork a child of the zygote that listens at `zygote`; see `supervisor.Fork`."""
    request = {
        "program": program,
        "payload": dict(payload),
        "limits": limits.model_dump(),
        "gate": gate,
        "env": dict(env or {}),
        "cwd": None if cwd is None else str(cwd),
    }
    read_end, write_end = os.pipe() if gate else (None, None)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        passed = [*fds, *([] if read_end is None else [read_end])]
        rest = await _send(link, zygote, json.dumps(request).encode() + b"\n", passed)
        reader, writer = await asyncio.open_unix_connection(sock=link)
        writer.write(rest)
    except OSError as error:
        link.close()
        if write_end is not None:
            os.close(write_end)
        raise Unavailable(f"The zygote at {zygote} does not answer: {error}.") from error
    finally:
        if read_end is not None:
            os.close(read_end)
    child = Child(reader, writer, write_end)
    await child.attach()
    return child


async def _send(link: socket.socket, zygote: Path, data: bytes, fds: Sequence[int]) -> bytes:
    """Connect and send the first part of `data` with the descriptors; returns the part that is still to be sent."""
    link.setblocking(False)
    await asyncio.get_running_loop().sock_connect(link, str(zygote))
    sent = socket.send_fds(link, [data[:65536]], list(fds))
    return data[sent:]

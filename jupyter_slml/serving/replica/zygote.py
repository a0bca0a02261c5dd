"""The fork protocol as far as a single kernel needs it, for whoever uses the provisioner without a runner."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from jupyter_slml.errors import Unavailable

#: A kernel that nobody limits: more memory than any machine has, and as many threads as this one.
NO_LIMITS = {"threads": len(os.sched_getaffinity(0)), "memory": 1 << 60, "timeout": None, "grace": 5.0}


class Forked(Protocol):
    """A forked process. `wait` gives `{"code": …}` when it and all that it started are gone."""

    pid: int

    async def wait(self) -> dict[str, Any]: ...


class Kept:
    """A child whose keeper is at the other end of our connection: when we go, it goes."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._writer = writer
        self._ended = asyncio.create_task(self._await_end(reader), name=f"kernel-{pid}")

    async def wait(self) -> dict[str, Any]:
        return await asyncio.shield(self._ended)

    async def _await_end(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        try:
            while line := await reader.readline():
                ended = json.loads(line).get("ended")
                if isinstance(ended, dict):
                    return ended
        except ConnectionError:
            pass
        finally:
            self._writer.close()
        return {"code": None}


def listens(zygote: Path) -> bool:
    """Whether somebody answers at that socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(zygote))
        except OSError:
            return False
    return True


async def fork_kernel(zygote: str, payload: Mapping[str, Any], env: Mapping[str, str], cwd: str | None) -> Kept:
    """Fork a kernel that writes where this process writes. Raises Unavailable when the zygote does not answer."""
    request = {
        "program": "replica",
        "payload": dict(payload),
        "limits": NO_LIMITS,
        "gate": False,
        "env": dict(env),
        "cwd": cwd,
    }
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(link, zygote)
        data = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(link, [data[:65536]], [1, 2, null])
        reader, writer = await asyncio.open_unix_connection(sock=link)
        writer.write(data[sent:])
        answer = json.loads(await reader.readline() or b"{}")
    except (OSError, ValueError) as error:
        link.close()
        raise Unavailable(f"The zygote at {zygote} does not answer: {error}.") from error
    finally:
        os.close(null)
    if "started" not in answer:
        writer.close()
        raise Unavailable(f"The zygote at {zygote} could not fork: {answer.get('failed', 'it gave no answer')}.")
    return Kept(answer["started"], reader, writer)

"""The other gateways on the same port, asked over their sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

#: One that does not answer in that time is left out.
PATIENCE = 1.0
LONGEST = 64 * 2**20


class Siblings:
    """Asks all of them at once."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._sockets = tuple(sockets)
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, op: str, then: Callable[[list[dict[str, Any]]], None]) -> None:
        """Call `then` with the answers of those that answer; at once when there are no others."""
        if not self._sockets:
            then([])
            return
        task = asyncio.get_running_loop().create_task(self._ask(op, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, op: str, then: Callable[[list[dict[str, Any]]], None]) -> None:
        found = await asyncio.gather(*(_answer(socket, op) for socket in self._sockets))
        then([answer for answer in found if answer is not None])


async def _answer(socket: Path, op: str) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(socket, limit=LONGEST)
            try:
                writer.write(b'{"hello": "control"}\n' + json.dumps({"op": op}).encode() + b"\n")
                await reader.readline()
                found: dict[str, Any] = json.loads(await reader.readline())
                return found
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return None

"""The runner: keeps the orders of one host and workspace alive, apart from Dask and from the daemon.

JSON lines over a private unix socket, `runner.sock` in the workspace's run directory:

- `{"op": "hello"}` → `{runner, pid, version, host, orders, zygote}`; with `"worker": true` the connection stays open and
  counts as a worker that still wants this runner.
- `{"op": "supervise", "order": {…}}` → a stream of messages, the last one `ended`, `fenced` or `lost`; with
  `"attach": true` an order that is not known here is `lost`.
- `{"op": "replay", "id"}` → `{"messages": […], "host"}`: what a follower of a running order has heard so far.
- `{"op": "stop", "id", "reason", "grace"}` → `{"known": bool}`; `{"op": "list"}` → `{"orders": {id: state}}`.
- `{"op": "probe", "key"}` → `{"seen": bool}`: whether this host reaches the blob store that the daemon writes.
- `{"op": "retire"}` → `{"retired": true}`: a newer runner will take its place. It gives up lock and socket, answers
  `supervise` for an order that it does not know with `{"kind": "retired"}`, and leaves with the last order that it has.
- `{"op": "exit"}` → `{"leaving": true}`: everything under it is killed, then it leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

from jupyter_slml import __version__
from jupyter_slml.compute import procfs, runners
from jupyter_slml.compute.supervisor import Message, RunnerContext, Supervisor, Supervisors, parse_order
from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.errors import SlmlError

logger = logging.getLogger(__name__)

#: A cell has at most 4 MiB, its JSON some more.
LONGEST_REQUEST = 64 * 2**20
#: Ended orders whose last message is kept for whoever asks late.
REMEMBERED = 1000
#: Seconds from the last order of a retired runner to its end: its last message is on its way.
LINGER = 0.5
#: A follower with so many bytes unread misses progress.
SLOW_FOLLOWER = 2**20


class Entry:
    """One order and everybody who follows it."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.followers: set[asyncio.StreamWriter] = set()
        self.final: Message | None = None
        self.task: asyncio.Task[None] | None = None

    def emit(self, message: Message) -> None:
        for follower in tuple(self.followers):
            slow = follower.transport.get_write_buffer_size() > SLOW_FOLLOWER
            if not (slow and message["kind"] in ("progress", "log")):
                _say(follower, message)

    async def carry_out(self) -> None:
        try:
            final = await self.supervisor.run(self.emit)
        except asyncio.CancelledError:
            final = {"kind": "lost", "message": "The runner left."}
        except Exception as error:
            logger.exception("order failed")
            final = {"kind": "lost", "message": f"{type(error).__name__}: {error}"}
        self.final = final


class Runner:
    """Serves until it is told to leave, or until nobody needs it for `idle` seconds."""

    def __init__(self, context: RunnerContext, zygotes: Zygotes, supervisors: Supervisors, idle: float, lock: int) -> None:
        """`lock` is the descriptor that holds the host's lock."""
        self.context = context
        self.socket = context.run / runners.SOCKET
        self._lock: int | None = lock
        self._zygotes = zygotes
        self._supervisors = supervisors
        self._idle = idle
        self._orders: dict[str, Entry] = {}
        self._workers = 0
        self._left = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Listen, warm up, and return when everything under this runner is gone."""
        server = await asyncio.start_unix_server(self._connected, sock=_listen(self.socket), limit=LONGEST_REQUEST)
        warming = asyncio.create_task(self._warm_up())
        self._look_idle()
        try:
            await self._left.wait()
        finally:
            self.socket.unlink(missing_ok=True)
            server.close()
            warming.cancel()
            tasks = [entry.task for entry in self._orders.values() if entry.task is not None and not entry.task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._zygotes.close()
            await self._bury()

    def leave(self) -> None:
        self._left.set()

    def retire(self) -> None:
        """Make way for a newer runner. The socket moves first: whoever gets the lock makes a new one."""
        if self._lock is not None:
            logger.info("retired, with %d orders", len(self.alive))
            self.socket = self.socket.rename(runners.own_socket(self.context.run, self.context.runner))
            os.close(self._lock)
            self._lock = None
            self._look_idle()

    async def _bury(self) -> None:
        """Wait until the keepers, whose connections are closed now, have ended all; then end what resisted."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while any(True for _ in procfs.marked(self._zygotes.marker)):
                    await asyncio.sleep(0.01)
        await asyncio.to_thread(procfs.sweep, self._zygotes.marker)

    async def _warm_up(self) -> None:
        """Have a zygote before the first order. When it cannot start, each order says why."""
        with contextlib.suppress(SlmlError):
            await self._zygotes.start()

    @property
    def alive(self) -> list[str]:
        return [name for name, entry in self._orders.items() if entry.final is None]

    def _look_idle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.alive:
            return
        if self._lock is None or not self._workers:
            wait = LINGER if self._lock is None else self._idle
            self._timer = asyncio.get_running_loop().call_later(wait, self.leave)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        try:
            if struct.unpack("3i", peer)[1] == os.getuid():
                while line := await reader.readline():
                    await self._answer(json.loads(line), reader, writer)
        except (ConnectionError, ValueError):
            logger.info("a connection broke")
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match request.get("op"):
            case "hello":
                _say(writer, self._identity())
                if request.get("worker"):
                    await self._keep_worker(reader)
            case "supervise":
                await self._supervise(request, reader, writer)
            case "replay":
                entry = self._orders.get(request["id"])
                messages = [] if entry is None or entry.final is not None else entry.supervisor.replay()
                _say(writer, {"messages": messages, "host": self.context.host})
            case "stop":
                entry = self._orders.get(request["id"])
                known = entry is not None and entry.final is None
                _say(writer, {"known": known})
                if entry is not None and known:
                    await entry.supervisor.stop(str(request["reason"]), float(request["grace"]))
            case "list":
                orders = {name: "running" if entry.final is None else "ended" for name, entry in self._orders.items()}
                _say(writer, {"orders": orders, "runner": self.context.runner, "host": self.context.host})
            case "probe":
                seen = await asyncio.to_thread(self.context.blobs.exists, str(request["key"]))
                _say(writer, {"seen": seen})
            case "retire":
                _say(writer, {"retired": True})
                self.retire()
            case "exit":
                _say(writer, {"leaving": True})
                await writer.drain()
                self.leave()
            case other:
                _say(writer, {"error": f"unknown op {other!r}"})

    def _identity(self) -> dict[str, Any]:
        return {
            "runner": self.context.runner,
            "pid": os.getpid(),
            "version": __version__,
            "host": self.context.host,
            "orders": self.alive,
            "zygote": self._zygotes.pid,
            "gpus": self._zygotes.gpus.taken,
            "at": time.time(),
        }

    async def _keep_worker(self, reader: asyncio.StreamReader) -> None:
        self._workers += 1
        self._look_idle()
        try:
            await reader.read()
        finally:
            self._workers -= 1
            self._look_idle()

    async def _supervise(self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Start the order, or attach to it, and stream to its end. A follower that goes away changes nothing."""
        data = request["order"]
        entry = self._orders.get(str(data.get("id")))
        if entry is None and request.get("attach"):
            _say(writer, {"kind": "lost", "message": "The runner does not know it any more."})
            return
        if entry is None and self._lock is None:
            _say(writer, {"kind": "retired"})
            return
        if entry is None:
            try:
                order = parse_order(data)
                supervisor = self._supervisors[order.kind](order, self.context)
            except SlmlError as error:
                _say(writer, {"kind": "lost", "message": f"The runner does not understand the order: {error}"})
                return
            entry = self._orders[order.id] = Entry(supervisor)
            entry.followers.add(writer)
            entry.task = asyncio.create_task(entry.carry_out(), name=order.id)
            entry.task.add_done_callback(lambda _: self._forget())
            self._look_idle()
        else:
            for message in entry.supervisor.replay():
                _say(writer, message)
            entry.followers.add(writer)
        assert entry.task is not None
        gone = asyncio.create_task(reader.read())
        try:
            await asyncio.wait({gone, entry.task}, return_when=asyncio.FIRST_COMPLETED)
            if entry.final is not None and entry.task.done():
                _say(writer, entry.final)
        finally:
            gone.cancel()
            entry.followers.discard(writer)
            # Two may not read at once, and the connection is read on.
            await asyncio.wait({gone})

    def _forget(self) -> None:
        ended = [name for name, entry in self._orders.items() if entry.final is not None]
        for name in ended[:-REMEMBERED]:
            del self._orders[name]
        self._look_idle()


def _say(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    if not writer.is_closing():
        writer.write(json.dumps(message).encode() + b"\n")


def _listen(path: Path) -> socket.socket:
    """Whoever holds the host's lock may replace the socket that a killed runner left."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(256)
    return listener

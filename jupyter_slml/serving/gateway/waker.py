"""Starts a replica when requests wait and none is there: by the runner of this host, else by the daemon.

The snapshot is the permission: it carries the order. So a sleeping endpoint wakes while the daemon is away; the daemon hears
of it by `stats` and takes the replica into its records. For each revision there is one attempt at a time, between two failed
ones the wait grows, and the message of a model that cannot be loaded is what its callers hear meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zlib import crc32

import orjson

from jupyter_slml.domain.names import new_id
from jupyter_slml.errors import Unavailable
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.serving.gateway.news import News
from jupyter_slml.serving.gateway.pool import Pool

log = logging.getLogger("slml.gateway")

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
#: Replicas that died while they started, one after the other: then their callers hear of it.
DEATHS = 3
#: How long the daemon's answer, and what comes of it, is waited for.
DAEMON_TIME = 2.0
LONGEST_MESSAGE = 64 * 2**20


class Failure:
    """A revision that could not be started: until when nothing is tried, and what callers hear."""

    def __init__(self, count: int, error: Unavailable) -> None:
        self.count = count
        self.wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (count - 1))
        self.until = time.monotonic() + self.wait
        error.detail["retry_after"] = max(1, round(self.wait))
        self.error = error


class Waker:
    """One per gateway. `runner` and `daemon` are sockets, which need not be there. `lock` is a file by which several
    gateways agree on who wakes; None when there is one."""

    def __init__(self, runner: Path, daemon: Path, lock: Path | None, limits: Limits, news: News) -> None:
        self._runner, self._daemon, self._limits, self._told = runner, daemon, limits, news
        self._lock = None if lock is None else os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._started = time.monotonic()
        self._tasks: dict[Pool, asyncio.Task[None]] = {}
        #: Set when something happened to a revision that is being woken.
        self._news: dict[Pool, asyncio.Event] = {}
        self._failures: dict[Pool, Failure] = {}
        #: Cold starts, and their milliseconds by phase: for the metrics.
        self.starts = 0
        self.phases: dict[str, float] = {}

    def wake(self, pool: Pool) -> None:
        """Requests wait for that revision, and no replica is there."""
        failure = self._failures.get(pool)
        if failure is not None and time.monotonic() < failure.until:
            pool.endpoint.rehome(pool, failure.error)
        elif pool not in self._tasks:
            self._news[pool] = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._wake(pool))
            self._tasks[pool] = task
            task.add_done_callback(lambda _: self._forget(pool))

    def news(self, pool: Pool) -> None:
        """A replica came, or the snapshot says something else: what failed before may work now."""
        self._failures.pop(pool, None)
        if pool in self._news:
            self._news[pool].set()

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _forget(self, pool: Pool) -> None:
        self._tasks.pop(pool, None)
        self._news.pop(pool, None)
        # A request may have come while the attempt was ending.
        if pool.needs() and pool not in self._failures:
            asyncio.get_running_loop().call_later(0.01, pool.want)

    async def _wake(self, pool: Pool) -> None:
        deaths = 0
        while pool.needs():
            if await self._be_patient(pool):
                continue
            with self._sole(pool) as sole:
                if not sole:
                    # Another gateway wakes it; its replica connects to us as well.
                    await self._wait(pool, 0.2)
                    continue
                try:
                    ended = await self._supervise(pool)
                except OSError:
                    ended = None
            if ended is None:
                if not await self._ask_daemon(pool):
                    await self._wait(pool, FIRST_WAIT)
            elif not ended:
                # It answers some gateway, and will connect to us in a moment.
                if pool.needs():
                    await self._wait(pool, FIRST_WAIT)
            elif ended.get("state") == "stopped":
                await self._wait(pool, FIRST_WAIT)
            else:
                deaths += 1
                if ended.get("state") == "failed" or deaths >= DEATHS:
                    self._fail(pool, ended)
                    return
                await self._wait(pool, 0.1 * deaths)

    async def _be_patient(self, pool: Pool) -> bool:
        """Wait for replicas that may come by themselves; False when there is no reason to wait any more."""
        now = time.monotonic()
        until = max(self._started + self._limits.reattach_time, pool.quiet_until)
        if pool.route.waking:
            until = max(until, pool.routed_at + self._limits.waking_time)
        if until <= now:
            return False
        await self._wait(pool, until - now)
        return True

    async def _wait(self, pool: Pool, seconds: float) -> None:
        """Until there is news, or the time is over."""
        event = self._news[pool]
        event.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    @contextlib.contextmanager
    def _sole(self, pool: Pool) -> Any:
        """Whether no other gateway wakes that revision now: a byte of the lock file is the revision's."""
        if self._lock is None:
            yield True
            return
        place = crc32(pool.revision.encode())
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, place)

    async def _supervise(self, pool: Pool) -> dict[str, Any] | None:
        """Have this host's runner start a replica, and follow it until it answers or is gone.

        Returns {} when it answers, its last word when it ended, None without an order. Raises OSError without a runner.
        """
        if pool.route.order is None:
            return None
        replica = new_id("rep")
        asked = time.monotonic()
        reader, writer = await asyncio.open_unix_connection(self._runner, limit=LONGEST_MESSAGE)
        try:
            writer.write(orjson.dumps({"op": "supervise", "order": {**pool.route.order, "id": replica}}) + b"\n")
            self._told.wakes(pool, replica, "starting")
            while line := await reader.readline():
                said = orjson.loads(line)
                if said["kind"] == "ready":
                    self._count(said.get("phases") or {}, (time.monotonic() - asked) * 1000)
                    self._told.note(replica, "ready")
                    return {}
                if said["kind"] in ("ended", "lost"):
                    self._told.note(replica, "failed")
                    found: dict[str, Any] = said
                    return found
        except ValueError as error:
            raise OSError("the runner said something else") from error
        finally:
            writer.close()
        # The runner left: whatever it started is gone with it.
        self._told.forget(replica)
        return {"kind": "lost", "message": "The runner left."}

    def _count(self, phases: dict[str, float], total: float) -> None:
        self.starts += 1
        for phase, took in {**phases, "total": total}.items():
            self.phases[phase] = self.phases.get(phase, 0.0) + took

    async def _ask_daemon(self, pool: Pool) -> bool:
        """Ask the daemon for a replica and wait for it a while; False when it cannot be reached."""
        path = f"/endpoints/{quote(pool.endpoint.name, safe='')}/wake"
        body = orjson.dumps({"revision": pool.revision})
        head = f"POST {path} HTTP/1.1\r\nHost: slml\r\nContent-Type: application/json\r\nConnection: close\r\n"
        try:
            async with asyncio.timeout(DAEMON_TIME):
                reader, writer = await asyncio.open_unix_connection(self._daemon)
                try:
                    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        if b" 2" not in line[:12]:
            log.warning("the daemon does not wake %s: %s", pool.endpoint.name, line.decode("latin-1").strip())
            return False
        await self._wait(pool, DAEMON_TIME)
        return True

    def _fail(self, pool: Pool, ended: dict[str, Any]) -> None:
        """Tell those who wait, and for a while those who come."""
        before = self._failures.get(pool)
        message = str(ended.get("message") or "The replica ended.").partition("\n")[0]
        error = Unavailable(
            f"{pool.endpoint.name!r} cannot answer: {message}",
            field="endpoint",
            value=pool.endpoint.name,
            remedy="See the whole error with: jupyter slml endpoints. Deploy a version that loads, or roll back.",
        )
        self._failures[pool] = failure = Failure(1 if before is None else before.count + 1, error)
        log.warning("%s; nothing is tried for %g s", error.message, failure.wait)
        pool.endpoint.rehome(pool, error)

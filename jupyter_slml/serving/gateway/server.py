"""The gateway: two listeners, the routes, and the clock that all the rest is checked by."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import unquote

import orjson

from jupyter_slml.errors import Conflict, MethodNotAllowed, NotFound, SlmlError
from jupyter_slml.serving.gateway import answers, metrics, pages
from jupyter_slml.serving.gateway.access import Access
from jupyter_slml.serving.gateway.control import Visitor
from jupyter_slml.serving.gateway.endpoint import Endpoint, unknown_endpoint
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.house import Budget
from jupyter_slml.serving.gateway.http import Addressee, HttpConnection
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.serving.gateway.link import ReplicaLink
from jupyter_slml.serving.gateway.news import News
from jupyter_slml.serving.gateway.pool import Pool
from jupyter_slml.serving.gateway.request_log import RequestLog
from jupyter_slml.serving.gateway.rotation import Rotation
from jupyter_slml.serving.gateway.routes import Routes, read_routes
from jupyter_slml.serving.gateway.siblings import Siblings
from jupyter_slml.serving.gateway.waker import Waker

log = logging.getLogger("slml.gateway")

#: Seconds between two looks at the deadlines of requests; connections are looked at every tenth time.
TICK = 0.1
BACKLOG = 1024
#: A page has no body to speak of.
SMALL = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a gateway is told when it is made."""

    routes: Path
    token: str
    limits: Limits = field(default_factory=Limits)
    #: Whether callers must show a token.
    auth: bool = True
    #: Its number among those that share the port, and the sockets of the others.
    number: int = 0
    siblings: tuple[Path, ...] = ()
    #: Sockets of this host's runner and of the daemon; the file by which several gateways agree on who wakes.
    runner: Path = Path("/nonexistent/runner.sock")
    daemon: Path = Path("/nonexistent/daemon.sock")
    wake_lock: Path | None = None
    #: Where the request log goes; None: it is not kept.
    log: Path | None = None


class Page:
    """An address that answers by itself."""

    max_body = SMALL

    def __init__(self, answer: Callable[[Exchange], None]) -> None:
        self.admit = answer


class Gateway:
    """Lives on one event loop. `serve` returns when it was asked to leave and has answered what it had."""

    def __init__(self, plan: Plan) -> None:
        self.limits = plan.limits
        self.number = plan.number
        self.budget = Budget()
        self.requests = RequestLog(plan.log)
        self.connections: set[HttpConnection] = set()
        self.endpoints: dict[str, Endpoint] = {}
        self.active: set[Pool] = set()
        self.now = monotonic()
        self.leaving = False
        self.prefix = secrets.token_hex(8).encode()
        self.count = 0
        self._plan = plan
        self._access = Access(plan.token, required=plan.auth)
        self.news = News()
        self._waker = Waker(plan.runner, plan.daemon, plan.wake_lock, plan.limits, self.news)
        self._siblings = Siblings(plan.siblings)
        self._routes = Routes()
        self._rotation = Rotation()
        #: Path of an invocation as clients write it → who answers: the common case is one look-up.
        self._paths: dict[bytes, Endpoint] = {}
        self._date = answers.Dated()
        self._left = asyncio.Event()
        self._started = time.time()
        self._ticks = 0

    async def serve(
        self,
        door: socket.socket,
        back_door: socket.socket,
        ready: Callable[[], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on both sockets until `leave`; calls `ready` when requests are taken."""
        loop = asyncio.get_running_loop()
        try:
            self.reload()
        except SlmlError as error:
            log.error("%s", error)
        # Kept by name: uvloop's servers stop listening when they are collected.
        front = await loop.create_server(lambda: HttpConnection(self, self._date), sock=door, backlog=BACKLOG, ssl=tls)
        back = await loop.create_unix_server(lambda: Visitor(self), sock=back_door, backlog=BACKLOG)
        gc.collect()
        gc.freeze()
        self._tick(loop)
        ready()
        await self._left.wait()
        front.close()
        last = monotonic() + self.limits.drain_time
        while any(connection.pending for connection in self.connections) and monotonic() < last:
            await asyncio.sleep(TICK / 10)
        back.close()
        self._waker.close()
        self.requests.close()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(TICK, self._tick, loop)
        self.now = monotonic()
        self._date.turn()
        for pool in list(self.active):
            pool.expire(self.now)
            if not pool.links and not pool.queue:
                self.active.discard(pool)
        self._ticks += 1
        if self._ticks % 3 == 0:
            self.requests.flush()
        if self._ticks % 10 == 0:
            for replica in self._rotation.lapsed(self.now):
                self.release(replica)
            for connection in list(self.connections):
                connection.check(self.now)

    # requests

    def direct(self, method: bytes, url: bytes, authorization: bytes) -> Addressee:
        """Who answers that request. Raises SlmlError with the status that says why nobody does."""
        found = self._paths.get(url)
        if found is not None and method == b"POST":
            self._access.check(authorization, found.name, "invoke")
            return found
        path = url.partition(b"?")[0]
        parts = unquote(path.decode("latin-1"), encoding="utf-8", errors="replace").split("/")
        match parts:
            case ["", "ping"]:
                _allow(method, b"GET", b"HEAD")
                return _PING
            case ["", "endpoints", _, "try"]:
                _allow(method, b"GET", b"HEAD")
                return _TRY
            case ["", "metrics"]:
                self._access.check(authorization, None, "metrics")
                _allow(method, b"GET", b"HEAD")
                return Page(self._show_metrics)
            case ["", "invocations"]:
                name = next(iter(self.endpoints), "")
                self._access.check(authorization, name, "invoke")
                if len(self.endpoints) != 1:
                    raise Conflict(
                        f"There are {len(self.endpoints)} endpoints here, so one must be named.",
                        field="path",
                        remedy="Predict with POST /endpoints/NAME/invocations.",
                    )
                _allow(method, b"POST")
                return self._find(name)
            case ["", "endpoints", name, *rest]:
                self._access.check(authorization, name, "invoke")
                match rest:
                    case ["invocations"]:
                        endpoint = self._find(name)
                        _allow(method, b"POST")
                        return endpoint
                    case ["openapi.json"]:
                        endpoint = self._find(name)
                        _allow(method, b"GET", b"HEAD")
                        return Page(lambda exchange: exchange.finish(200, answers.JSON, pages.openapi(endpoint)))
                    case []:
                        endpoint = self._find(name)
                        _allow(method, b"GET", b"HEAD")
                        return Page(lambda exchange: exchange.finish(200, answers.JSON, orjson.dumps(endpoint.state())))
            case _:
                self._access.check(authorization, None, "invoke")
        raise NotFound(
            "There is nothing at that address.",
            field="path",
            value=path.decode("latin-1"),
            remedy="Predict with POST /endpoints/NAME/invocations.",
        )

    def _find(self, name: str) -> Endpoint:
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            raise unknown_endpoint(name)
        return endpoint

    def _show_metrics(self, exchange: Exchange) -> None:
        def show(others: list[Any]) -> None:
            exchange.finish(200, metrics.CONTENT_TYPE, metrics.render([*self.samples(), *others]))

        self._siblings.ask("metrics", lambda found: show([sample for answer in found for sample in answer["samples"]]))

    # what endpoints ask

    def wake(self, pool: Pool) -> None:
        self._waker.wake(pool)

    def rerouted(self, pool: Pool) -> None:
        self._waker.news(pool)

    def promote(self, link: ReplicaLink) -> None:
        link.standby = False
        self._rotation.promote(link.replica)
        self.news.wakes(link.pool, link.replica, "ready", standby=True)
        link.pool.rotate()

    def report_hung(self, link: ReplicaLink) -> None:
        log.error("replica %s of %s hangs; its link is closed", link.replica, link.pool.endpoint.name)
        link.out = True
        self._rotation.drop(link.replica)
        self.news.hangs(link.pool, link.replica)

    # control

    def reload(self) -> int:
        """Read the routing snapshot; returns its serial. Raises Invalid and changes nothing when it cannot be read."""
        routes = read_routes(self._plan.routes, self._routes)
        for name in self.endpoints.keys() - routes.endpoints.keys():
            self.endpoints.pop(name).close()
        for name, route in routes.endpoints.items():
            found = self.endpoints.get(name)
            if found is None:
                self.endpoints[name] = Endpoint(name, route, self)
            else:
                found.update(route)
        if self._routes.endpoints.keys() != routes.endpoints.keys() or not self._paths:
            self._paths = {pages.address(name).encode(): endpoint for name, endpoint in self.endpoints.items()}
        self._access.update(routes.tokens)
        self._routes = routes
        return routes.serial

    def statistics(self, only: str | None = None, *, active: bool = False, used: bool = False) -> dict[str, Any]:
        """See `control.py`."""
        if only is not None:
            named = {only}
        elif active:
            named = {pool.endpoint.name for pool in self.active}
        else:
            named = {name for name, endpoint in self.endpoints.items() if endpoint.used or not used}
        return {
            "serial": self._routes.serial,
            "gateway": self.number,
            "pid": os.getpid(),
            "started_at": self._started,
            "connections": len(self.connections),
            "held_bytes": self.budget.used,
            "woken": list(self.news.woken.values()),
            "hung": list(self.news.hung.values()),
            "endpoints": {name: self.endpoints[name].statistics() for name in sorted(named & self.endpoints.keys())},
        }

    def samples(self) -> list[Any]:
        """What `/metrics` shows of this gateway."""
        found = [
            sample
            for endpoint in self.endpoints.values()
            for pool in endpoint.pools.values()
            for sample in metrics.of_pool(endpoint, pool)
        ]
        found += metrics.of_process(
            len(self.connections), self.budget.used, self.requests.dropped, self._waker.starts, self._waker.phases
        )
        return [(name, {**labels, "gateway": str(self.number)}, value) for name, labels, value in found]

    def welcome(self, transport: asyncio.Transport, pool: Pool, replica: str, standby: bool) -> ReplicaLink:
        """A replica that has proved who it is."""
        self._waker.news(pool)
        standby = standby and not self._rotation.is_promoted(replica)
        return ReplicaLink(transport, pool, replica, standby=standby, out=self._rotation.is_out(replica))

    def drop(self, replica: str, then: Callable[[], None]) -> None:
        """Take a replica out of rotation for good; `then` is called when it has answered what it has."""
        self._rotation.drop(replica)
        self._take_out(replica, then)

    def hold(self, replica: str, seconds: float, then: Callable[[], None]) -> None:
        """The same for so many seconds, or until it is released."""
        self._rotation.hold(replica, monotonic() + seconds)
        self._take_out(replica, then)

    def _take_out(self, replica: str, then: Callable[[], None]) -> None:
        link = self._link(replica)
        if link is None:
            then()
        else:
            link.pool.drop(link, then)

    def release(self, replica: str) -> None:
        """Put a replica that was held back into rotation."""
        if self._rotation.release(replica):
            link = self._link(replica)
            if link is not None:
                link.pool.restore(link)

    def rotate(self, replica: str) -> bool:
        """Put a standby into rotation, now or when it connects; False when it is not here."""
        self._rotation.promote(replica)
        link = self._link(replica)
        if link is not None:
            link.standby = False
            link.pool.rotate()
        return link is not None

    def leave(self) -> None:
        """Take no more connections, answer what is here, then return from `serve`."""
        self.leaving = True
        self._left.set()

    def _link(self, replica: str) -> ReplicaLink | None:
        return next((link for pool in self.active for link in pool.links if link.replica == replica), None)


_PING = Page(lambda exchange: exchange.finish(200, answers.JSON, b'{"status":"ok"}'))
_TRY = Page(lambda exchange: exchange.finish(200, pages.HTML, *pages.page()))


def _allow(method: bytes, *allowed: bytes) -> None:
    if method not in allowed:
        names = [name.decode() for name in allowed]
        raise MethodNotAllowed(
            f"{method.decode('latin-1')} is not possible at this address.",
            field="method",
            value=method.decode("latin-1"),
            remedy=f"Use {' or '.join(names)}.",
            detail={"allow": names},
        )


def open_door(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening-to-be TCP socket; `shared` with others of ours. Raises OSError when the port is taken."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A restarted gateway takes its port back although connections of its predecessor are still winding down.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        door.bind((host, port))
    except OSError:
        door.close()
        raise
    return door


def open_back_door(path: Path) -> socket.socket:
    """The unix socket, 0600. The caller holds the workspace's gateway lock, so a socket that is there is a dead one's."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        door.bind(str(path))
    finally:
        os.umask(before)
    return door

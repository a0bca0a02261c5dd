"""The gateway: two listeners, the routes, and the clock that all the rest is checked by."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, unquote

import orjson

from jupyter_slml.errors import MethodNotAllowed, NotFound, SlmlError, Unauthorized
from jupyter_slml.serving.gateway import answers
from jupyter_slml.serving.gateway.control import Visitor
from jupyter_slml.serving.gateway.endpoint import Budget, Endpoint, unknown_endpoint
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.http import Action, HttpConnection
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.serving.gateway.routes import read_routes

log = logging.getLogger("slml.gateway")

#: Seconds between two looks at the deadlines of requests; connections are looked at every tenth time.
TICK = 0.1
BACKLOG = 1024
#: Dropped replicas that are remembered, in case they connect again before they are ended.
REMEMBERED = 1024


class Gateway:
    """Lives on one event loop. `serve` returns when it was asked to leave and has answered what it had."""

    def __init__(self, routes_file: Path, token: str, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.connections: set[HttpConnection] = set()
        self.endpoints: dict[str, Endpoint] = {}
        self.dropped: dict[str, None] = {}
        #: Endpoints that were taken down while a replica had requests of theirs.
        self._gone: list[Endpoint] = []
        self.now = monotonic()
        self.leaving = False
        self._routes_file = routes_file
        self._token = token.encode()
        self._bearer = b"Bearer " + self._token
        self._serial = 0
        #: Path of an invocation as clients write it → who answers: the common case is one look-up.
        self._paths: dict[bytes, Action] = {}
        self._budget = Budget()
        self._date = answers.Dated()
        self._left = asyncio.Event()
        self._ticks = 0

    async def serve(self, door: socket.socket, back_door: socket.socket, ready: Callable[[], None]) -> None:
        """Listen on both sockets until `leave`; calls `ready` when requests are taken."""
        loop = asyncio.get_running_loop()
        try:
            self.reload()
        except SlmlError as error:
            log.error("%s", error)
        # Kept by name: uvloop's servers stop listening when they are collected.
        front = await loop.create_server(lambda: HttpConnection(self, self._date), sock=door, backlog=BACKLOG)
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

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(TICK, self._tick, loop)
        self.now = monotonic()
        self._date.turn()
        for endpoint in self.endpoints.values():
            if endpoint.queue or endpoint.links:
                endpoint.expire(self.now)
        for endpoint in self._gone:
            endpoint.expire(self.now)
        self._gone = [endpoint for endpoint in self._gone if endpoint.links]
        self._ticks += 1
        if self._ticks % 10 == 0:
            for connection in list(self.connections):
                connection.check(self.now)

    # requests

    def direct(self, method: bytes, url: bytes, authorization: bytes) -> Action:
        """Who answers that request. Raises SlmlError with the status that says why nobody does."""
        action = self._paths.get(url)
        if action is not None and method == b"POST" and self._knows(authorization):
            return action
        path = url.partition(b"?")[0]
        if path == b"/ping":
            _allow(method, b"GET", b"HEAD")
            return _ping
        if not self._knows(authorization):
            raise Unauthorized(
                "The gateway asks for its token." if not authorization else "That is not the gateway's token.",
                field="Authorization",
                remedy="Send the header Authorization: Bearer TOKEN; jupyter slml status says which file holds the token.",
            )
        match unquote(path.decode("latin-1"), encoding="utf-8", errors="replace").split("/"):
            case ["", "endpoints", name, "invocations"]:
                endpoint = self._find(name)
                _allow(method, b"POST")
                return endpoint.admit
            case ["", "endpoints", name]:
                endpoint = self._find(name)
                _allow(method, b"GET", b"HEAD")
                return lambda exchange: exchange.finish(200, answers.JSON, orjson.dumps(endpoint.state()))
        raise NotFound(
            "There is nothing at that address.",
            field="path",
            value=path.decode("latin-1"),
            remedy="Predict with POST /endpoints/NAME/invocations.",
        )

    def _knows(self, authorization: bytes) -> bool:
        if hmac.compare_digest(authorization, self._bearer):
            return True
        scheme, _, given = authorization.partition(b" ")
        return hmac.compare_digest(given.strip(), self._token) and scheme.lower() == b"bearer"

    def _find(self, name: str) -> Endpoint:
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            raise unknown_endpoint(name)
        return endpoint

    # control

    def reload(self) -> int:
        """Read the routing snapshot; returns its serial. Raises Invalid and changes nothing when it cannot be read."""
        routes = read_routes(self._routes_file)
        for name in self.endpoints.keys() - routes.endpoints.keys():
            gone = self.endpoints.pop(name)
            gone.close()
            self._gone.append(gone)
        for name, route in routes.endpoints.items():
            found = self.endpoints.get(name)
            if found is None:
                self.endpoints[name] = Endpoint(name, route, self.limits, self._budget)
            else:
                found.update(route)
        self._paths = {
            f"/endpoints/{quote(name, safe='')}/invocations".encode(): endpoint.admit
            for name, endpoint in self.endpoints.items()
        }
        self._serial = routes.serial
        return routes.serial

    def statistics(self) -> dict[str, Any]:
        return {
            "serial": self._serial,
            "connections": len(self.connections),
            "held_bytes": self._budget.used,
            "endpoints": {name: endpoint.statistics() for name, endpoint in self.endpoints.items()},
        }

    def drop(self, replica: str, then: Callable[[], None]) -> None:
        """Take a replica out of rotation for good; `then` is called when it has answered what it has."""
        self.dropped[replica] = None
        if len(self.dropped) > REMEMBERED:
            del self.dropped[next(iter(self.dropped))]
        for endpoint in self.endpoints.values():
            for link in endpoint.links:
                if link.replica == replica:
                    endpoint.drop(link, then)
                    return
        then()

    def leave(self) -> None:
        """Take no more connections, answer what is here, then return from `serve`."""
        self.leaving = True
        self._left.set()


def _ping(exchange: Exchange) -> None:
    exchange.finish(200, answers.JSON, b'{"status":"ok"}')


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


def open_door(host: str, port: int) -> socket.socket:
    """A listening-to-be TCP socket. Raises OSError when the port is taken."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A restarted gateway takes its port back although connections of its predecessor are still winding down.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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

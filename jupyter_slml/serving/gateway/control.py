"""The unix socket's side: who connects says what it is, and becomes a replica link or a control line.

A control line carries one JSON object per line each way:

    {"op": "reload"}                    {"serial"}: the routing snapshot was read
    {"op": "stats"}                     below, of all endpoints; with "endpoint": name of one, with "active": true of those
                                        that have replicas or requests now, with "used": true of those that ever had
    {"op": "news"}                      {"news"}: answered when `woken` or `hung` has something, which may take for ever
    {"op": "drop", "replica"}           {"dropped"}: out of rotation for good; answered when it has answered what it had
    {"op": "hold", "replica", "seconds"?}    {"held"}: the same until `release` or for so long, also when it connects anew
    {"op": "release", "replica"}        {"released"}: back in rotation
    {"op": "rotate", "replica"}         {"rotated", "known"}: a standby takes requests from now on
    {"op": "taken", "replicas": [id]}   {"taken"}: the daemon has these in its records; `woken` and `hung` leave them out
    {"op": "metrics"}                   {"samples"}: what `/metrics` shows, for the gateway that is asked for it
    {"op": "exit"}                      {"leaving"}

The answer to `stats`, cumulative since the gateway started but for what is there now; times in seconds:

    {serial, gateway, pid, started_at, connections, held_bytes,
     woken: [{endpoint, revision, replica, at, ready_at, state: "starting" | "ready" | "failed", standby}],
     hung:  [{endpoint, revision, replica, at}],
     endpoints: {name: {requests, errors, refused, batches, queued, replicas: [id], attached: [id], latency: {p50, p99},
        revisions: {revision: {arrivals, in_flight, waiting, ready, busy, batches, answered, errors, refused,
                               replicas: [id], working: [id], standby: [id], held: [id], attached: [id],
                               work: {id: seconds}, latency: {bucket: count}}}}}}

`errors` are answers of 500 and more, `refused` those of 400 to 499. `ready` counts the replicas in rotation, `busy` sums the
times of their batches and `work` those of each, `working` names those that have one, `latency` counts answers by bucket of
`domain.latencies`. `woken` names replicas that the gateway has had started by the runner, or standbys that it has put into
rotation.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import math
import os
import socket
import struct
from collections.abc import Callable
from typing import Any, Protocol, cast

import orjson

from jupyter_slml.errors import BadRequest, SlmlError, Unauthorized
from jupyter_slml.serving.gateway.endpoint import Endpoint
from jupyter_slml.serving.gateway.link import ReplicaLink
from jupyter_slml.serving.gateway.news import News
from jupyter_slml.serving.gateway.pool import Pool

#: No line on this socket is longer, and nobody takes longer to say the first one.
LINE = 16 * 1024
HELLO_TIME = 10.0
OPERATIONS = "reload, stats, news, drop, hold, release, rotate, taken, metrics, exit"

Answer = Callable[[dict[str, Any]], None]


class Hall(Protocol):
    """What the socket's visitors may ask of the gateway."""

    endpoints: dict[str, Endpoint]
    news: News

    def reload(self) -> int: ...

    def statistics(self, only: str | None = None, *, active: bool = False, used: bool = False) -> dict[str, Any]: ...

    def samples(self) -> list[Any]: ...

    def welcome(self, transport: asyncio.Transport, pool: Pool, replica: str, standby: bool) -> ReplicaLink: ...

    def drop(self, replica: str, then: Callable[[], None]) -> None: ...

    def hold(self, replica: str, seconds: float, then: Callable[[], None]) -> None: ...

    def release(self, replica: str) -> None: ...

    def rotate(self, replica: str) -> bool: ...

    def leave(self) -> None: ...


class Visitor(asyncio.Protocol):
    """Somebody who has not said yet who they are: `{"hello": "replica", …}` or `{"hello": "control"}`."""

    def __init__(self, house: Hall) -> None:
        self._house = house
        self._held = b""
        self._transport: asyncio.Transport
        self._patience: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods but not the class.
        self._transport = cast(asyncio.Transport, transport)
        self._patience = asyncio.get_running_loop().call_later(HELLO_TIME, self._transport.close)
        peer = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if struct.unpack("3i", peer)[1] != os.getuid():
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()

    def data_received(self, data: bytes) -> None:
        self._held += data
        line, end, rest = self._held.partition(b"\n")
        if not end:
            if len(self._held) > LINE:
                self._transport.abort()
            return
        self._patience.cancel()
        try:
            successor = self._introduce(line)
        except SlmlError as error:
            _say(self._transport, {"ok": False, **error.to_wire()})
            self._transport.close()
            return
        _say(self._transport, {"ok": True})
        self._transport.set_protocol(successor)
        if isinstance(successor, ReplicaLink):
            # From here on it may get work, so only now that the protocol is in place.
            successor.attach()
        if rest:
            successor.data_received(rest)

    def _introduce(self, line: bytes) -> asyncio.Protocol:
        hello = _parse(line)
        if hello.get("hello") == "control":
            return Control(self._house, self._transport)
        if hello.get("hello") != "replica":
            raise BadRequest("The first line says neither replica nor control.", field="hello")
        name, revision, replica = (str(hello.get(field, "")) for field in ("endpoint", "revision", "replica"))
        endpoint = self._house.endpoints.get(name)
        known = endpoint and endpoint.route.revisions.get(revision)
        given = str(hello.get("token", ""))
        if not endpoint or not known or not hmac.compare_digest(known.token.encode(), given.encode()):
            # One answer for all three: a stranger learns nothing. A replica that is early tries again.
            raise Unauthorized("No such revision, or not its token.", field="token")
        return self._house.welcome(self._transport, endpoint.pools[revision], replica, bool(hello.get("standby")))


class Control(asyncio.Protocol):
    """The daemon's line: one JSON object per line each way, answered in order but for `drop`, which waits for its batch."""

    def __init__(self, house: Hall, transport: asyncio.Transport) -> None:
        self._house = house
        self._transport = transport
        self._held = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.news.leave(self)

    def data_received(self, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            try:
                self._obey(_parse(line))
            except SlmlError as error:
                _say(self._transport, error.to_wire())
        if len(self._held) > LINE:
            self._transport.abort()

    def _obey(self, request: dict[str, Any]) -> None:
        replica = str(request.get("replica", ""))
        match request.get("op"):
            case "reload":
                _say(self._transport, {"serial": self._house.reload()})
            case "stats":
                only = request.get("endpoint")
                active, used = bool(request.get("active")), bool(request.get("used"))
                _say(self._transport, self._house.statistics(None if only is None else str(only), active=active, used=used))
            case "news":
                self._house.news.listen(self, lambda: _say(self._transport, {"news": True}))
            case "drop":
                self._house.drop(replica, lambda: _say(self._transport, {"dropped": replica}))
            case "hold":
                self._house.hold(replica, _seconds(request), lambda: _say(self._transport, {"held": replica}))
            case "release":
                self._house.release(replica)
                _say(self._transport, {"released": replica})
            case "rotate":
                _say(self._transport, {"rotated": replica, "known": self._house.rotate(replica)})
            case "taken":
                replicas = request.get("replicas")
                named = [str(item) for item in replicas] if isinstance(replicas, list) else []
                self._house.news.taken(named)
                _say(self._transport, {"taken": len(named)})
            case "metrics":
                _say(self._transport, {"samples": self._house.samples()})
            case "exit":
                _say(self._transport, {"leaving": True})
                self._house.leave()
            case other:
                raise BadRequest(f"There is no operation {other!r}.", field="op", remedy=f"Known: {OPERATIONS}.")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest("A line is not a JSON object.", field="line")
    return found


def _seconds(request: dict[str, Any]) -> float:
    """For how long, which may be for ever. Raises BadRequest."""
    seconds = request.get("seconds", math.inf)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise BadRequest("`seconds` is not a number.", field="seconds")
    return float(seconds)


def _say(transport: asyncio.Transport, answer: dict[str, Any]) -> None:
    if not transport.is_closing():
        transport.write(orjson.dumps(answer, default=str) + b"\n")

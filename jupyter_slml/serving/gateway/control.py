"""The unix socket's side: who connects says what it is, and becomes a replica link or a control line."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import socket
import struct
from collections.abc import Callable
from typing import Any, Protocol, cast

import orjson

from jupyter_slml.errors import BadRequest, SlmlError, Unauthorized
from jupyter_slml.serving.gateway.endpoint import Endpoint
from jupyter_slml.serving.gateway.link import ReplicaLink

#: No line on this socket is longer, and nobody takes longer to say the first one.
LINE = 16 * 1024
HELLO_TIME = 10.0

Answer = Callable[[dict[str, Any]], None]


class House(Protocol):
    """What the socket's visitors may ask of the gateway."""

    endpoints: dict[str, Endpoint]
    dropped: dict[str, None]

    def reload(self) -> int: ...

    def statistics(self) -> dict[str, Any]: ...

    def drop(self, replica: str, then: Callable[[], None]) -> None: ...

    def leave(self) -> None: ...


class Visitor(asyncio.Protocol):
    """Somebody who has not said yet who they are: `{"hello": "replica", …}` or `{"hello": "control"}`."""

    def __init__(self, house: House) -> None:
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
        link = ReplicaLink(self._transport, endpoint, revision, replica)
        link.draining = replica in self._house.dropped
        return link


class Control(asyncio.Protocol):
    """The daemon's line: one JSON object per line each way, answered in order but for `drop`, which waits for its batch."""

    def __init__(self, house: House, transport: asyncio.Transport) -> None:
        self._house = house
        self._transport = transport
        self._held = b""

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
        match request.get("op"):
            case "reload":
                _say(self._transport, {"serial": self._house.reload()})
            case "stats":
                _say(self._transport, self._house.statistics())
            case "drop":
                replica = str(request.get("replica", ""))
                self._house.drop(replica, lambda: _say(self._transport, {"dropped": replica}))
            case "exit":
                _say(self._transport, {"leaving": True})
                self._house.leave()
            case other:
                raise BadRequest(f"There is no operation {other!r}.", field="op", remedy="Known: reload, stats, drop, exit.")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest("A line is not a JSON object.", field="line")
    return found


def _say(transport: asyncio.Transport, answer: dict[str, Any]) -> None:
    if not transport.is_closing():
        transport.write(orjson.dumps(answer, default=str) + b"\n")

"""HTTP answers as bytes."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

import orjson

from jupyter_slml.errors import SlmlError

JSON = b"application/json"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Dated:
    """The Date header, formatted once per second."""

    __slots__ = ("_second", "line")

    def __init__(self) -> None:
        self._second = 0
        self.line = b""
        self.turn()

    def turn(self) -> None:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.line = b"Date: " + formatdate(second, usegmt=True).encode() + b"\r\n"


def render(status: int, content_type: bytes, body: bytes, request: bytes, date: bytes, extra: bytes, bare: bool) -> bytes:
    """One answer to the request of that id. `date` and `extra` are whole header lines; a `bare` answer (to HEAD) has the
    length of its body and no body."""
    line = _LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status
    return b"%bContent-Type: %b\r\nContent-Length: %d\r\nX-Request-Id: %b\r\n%b%b\r\n%b" % (
        line,
        content_type,
        len(body),
        request,
        date,
        extra,
        b"" if bare else body,
    )


def error_body(error: SlmlError) -> bytes:
    """The one JSON shape of every failure."""
    return orjson.dumps(error.to_wire(), default=str)


def error_headers(error: SlmlError) -> bytes:
    """What HTTP asks to be said in a header as well."""
    if error.status == 401:
        return b"WWW-Authenticate: Bearer\r\n"
    if error.status == 405:
        return b"Allow: " + ", ".join(error.detail.get("allow", ())).encode() + b"\r\n"
    if "retry_after" in error.detail:
        return b"Retry-After: %d\r\n" % int(error.detail["retry_after"])
    return b""

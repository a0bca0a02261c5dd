"""One client connection: HTTP/1.1 with keep-alive and pipelining, on callbacks alone.

Requests of one connection may be answered in any order by the replicas; `pending` keeps their order, and an answer goes
out when it is at its head. A mistake that is seen early is answered when the request has been read to its end, so that the
connection can be kept; one after which the bytes cannot be trusted ends the connection, with a moment of reading on.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from enum import IntEnum
from time import monotonic
from typing import Protocol, cast

import httptools

from jupyter_slml.errors import (
    BadRequest,
    ExpectationFailed,
    HeadersTooLarge,
    LengthRequired,
    MethodNotAllowed,
    RequestTimeout,
    SlmlError,
    TooLarge,
    UnsupportedType,
)
from jupyter_slml.serving import frames
from jupyter_slml.serving.gateway import answers
from jupyter_slml.serving.gateway.doors import SAGEMAKER, SAGEMAKER_HEADERS, SIGNED, SLML
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.limits import Limits

#: Headers that mean something here, and whether they are SageMaker's.
KNOWN = dict.fromkeys(
    (
        b"accept",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"traceparent",
        b"transfer-encoding",
    ),
    False,
) | dict.fromkeys(SAGEMAKER_HEADERS, True)

#: `version-trace-parent-flags`, see https://www.w3.org/TR/trace-context/
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Addressee(Protocol):
    """Who answers at an address."""

    @property
    def max_body(self) -> int:
        """Largest body in bytes."""

    def admit(self, exchange: Exchange) -> None: ...


class Desk(Protocol):
    """What a connection needs of the gateway."""

    limits: Limits
    connections: set[HttpConnection]
    #: Coarse monotonic time, good to a tenth of a second and free of charge.
    now: float
    leaving: bool
    #: Ids of requests: what all of this gateway's begin with, and how many there were.
    prefix: bytes
    count: int

    def direct(self, method: bytes, url: bytes, authorization: bytes) -> Addressee:
        """Who answers that request. Raises SlmlError."""


class Stage(IntEnum):
    #: Between requests.
    IDLE = 0
    HEAD = 1
    BODY = 2
    #: What still comes in is thrown away.
    DEAF = 3


class HttpConnection(asyncio.Protocol):
    """Parser callbacks collect one request at a time and hand it over as an `Exchange`."""

    def __init__(self, desk: Desk, date: answers.Dated) -> None:
        self.desk = desk
        self.date = date
        self.pending: deque[Exchange] = deque()
        self._limits = desk.limits
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._stage = Stage.IDLE
        #: When the present stage began.
        self._since = desk.now
        #: Since when the client reads too slowly.
        self._choked: float | None = None
        self._paused = False
        #: Whether all bytes of the piece in hand belong to a head that an earlier piece began.
        self._same_head = False
        #: The head of the last question up to its trace id: a client asks the same way again and again.
        self._known_start = (b"", b"", SLML, frames.head_start(b"", b"", SLML.name))
        self._clear()

    def _clear(self) -> None:
        self._url = b""
        self._method = b""
        self._head_size = 0
        self._unended = 0
        self._headers: dict[bytes, bytes] = {}
        self._door = SLML
        self._problem: SlmlError | None = None
        self._addressee: Addressee | None = None
        self._most = self._limits.body
        self._body: bytes = b""
        self._chunks: list[bytes] | None = None
        self._body_size = 0
        self._owes_continue = False

    # transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods but not the class.
        self._transport = cast(asyncio.Transport, transport)
        self.desk.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stage = Stage.DEAF
        self.desk.connections.discard(self)
        for exchange in self.pending:
            if not exchange.done:
                exchange.done = exchange.pool is None
                if exchange.pool is not None:
                    exchange.pool.withdraw(exchange)
        self.pending.clear()

    def data_received(self, data: bytes) -> None:
        # A header that never ends calls no callback, so the bytes of an unfinished head are counted here as well.
        self._same_head = self._stage is Stage.HEAD
        while data and self._stage is not Stage.DEAF:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                # We stay with HTTP/1.1, which the client must accept.
                data = data[upgrade.args[0] :]
            except httptools.HttpParserInvalidMethodError:
                allow = {"allow": ["GET", "HEAD", "POST"]}
                self._fatal(MethodNotAllowed("That is no method known here.", detail=allow))
            except httptools.HttpParserError as error:
                self._fatal(BadRequest(f"This is not a valid HTTP request: {error}.", field="request"))
        if self._same_head and self._stage is Stage.HEAD:
            self._unended += len(data)
            if self._unended > self._limits.head:
                self._fatal(self._large_head())

    def eof_received(self) -> None:
        """The client left: the transport closes, and what it asked for is withdrawn."""

    def pause_writing(self) -> None:
        self._choked = self.desk.now
        self._pause()

    def resume_writing(self) -> None:
        self._choked = None
        self._resume()

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if (
            self._paused
            and self._choked is None
            and len(self.pending) <= self._limits.pipelined // 2
            and not self._transport.is_closing()
        ):
            self._paused = False
            self._transport.resume_reading()

    # parser

    def on_message_begin(self) -> None:
        if self._stage is not Stage.DEAF:
            self._clear()
            self._same_head = False
            self._stage = Stage.HEAD
            self._since = self.desk.now

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._head_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        name = name.lower()
        sagemaker = KNOWN.get(name)
        if sagemaker is None:
            return
        headers = self._headers
        # One that comes twice is read as one, as HTTP says; nothing here takes a list, so it is refused by whoever reads it.
        headers[name] = value if name not in headers else headers[name] + b", " + value
        if sagemaker:
            self._door = SAGEMAKER

    def on_headers_complete(self) -> None:
        if self._stage is Stage.DEAF:
            return
        self._stage = Stage.BODY
        if self._head_size > self._limits.head:
            return self._fatal(self._large_head())
        headers = self._headers
        authorization = headers.get(b"authorization", b"")
        if authorization.startswith(SIGNED):
            self._door = SAGEMAKER
        method = self._method = self._parser.get_method()
        try:
            self._addressee = self.desk.direct(method, self._url, authorization)
            self._most = self._addressee.max_body
            self._check_form(method, headers)
        except SlmlError as error:
            self._problem = error
        # The parser has checked that it is a number, and that there is one only.
        length = headers.get(b"content-length")
        if length is not None and int(length) > self._most:
            return self._fatal(self._problem or self._large_body(int(length)))
        if b"expect" in headers and self._parser.get_http_version() != "1.0":
            self._answer_expectation(headers[b"expect"].strip().lower())
        return None

    def _check_form(self, method: bytes, headers: dict[bytes, bytes]) -> None:
        """Whether the body comes in a way that can be read. Raises SlmlError."""
        coding = headers.get(b"transfer-encoding")
        if coding is not None and coding.strip().lower() != b"chunked":
            raise BadRequest("The only transfer encoding taken is chunked.", field="Transfer-Encoding")
        compressed = headers.get(b"content-encoding")
        if compressed is not None and compressed.strip().lower() != b"identity":
            raise UnsupportedType(
                "Compressed bodies are not taken.",
                field="Content-Encoding",
                value=compressed.decode("latin-1"),
                remedy="Send the body as it is.",
            )
        if method == b"POST" and coding is None and b"content-length" not in headers:
            raise LengthRequired(remedy="Send Content-Length, or the body in chunks.", field="Content-Length")

    def on_body(self, chunk: bytes) -> None:
        if self._stage is Stage.DEAF:
            return
        self._body_size += len(chunk)
        if self._body_size > self._most:
            self._fatal(self._problem or self._large_body(None))
        elif self._problem is not None:
            return
        elif self._chunks is not None:
            self._chunks.append(chunk)
        elif self._body:
            self._chunks = [self._body, chunk]
        else:
            # The first piece is kept as it is, so that a small body is never copied.
            self._body = chunk

    def on_message_complete(self) -> None:
        if self._stage is Stage.DEAF:
            return
        self._stage = Stage.IDLE
        self._since = self.desk.now
        parser = self._parser
        headers, door, desk = self._headers, self._door, self.desk
        content_type, accept = headers.get(b"content-type", b""), headers.get(b"accept", b"")
        known = self._known_start
        if known[0] != content_type or known[1] != accept or known[2] is not door:
            start = frames.head_start(content_type, accept, door.name)
            known = self._known_start = (content_type, accept, door, start)
        body = self._body if self._chunks is None else b"".join(self._chunks)
        desk.count += 1
        exchange = Exchange(self, monotonic(), b"%b%016x" % (desk.prefix, desk.count), door, headers, known[3], body)
        if b"traceparent" in headers and (trace := TRACEPARENT.fullmatch(headers[b"traceparent"].strip())):
            exchange.trace = trace[1]
        exchange.keep = parser.should_keep_alive() and not desk.leaving
        exchange.old = parser.get_http_version() == "1.0"
        exchange.bare = self._method == b"HEAD"
        self.pending.append(exchange)
        if not exchange.keep:
            self._stage = Stage.DEAF
        if len(self.pending) >= self._limits.pipelined:
            self._pause()
        if self._problem is not None:
            exchange.fail(self._problem)
        else:
            assert self._addressee is not None
            self._addressee.admit(exchange)

    def _answer_expectation(self, expected: bytes) -> None:
        if expected != b"100-continue":
            self._problem = self._problem or ExpectationFailed(
                f"Expect: {expected.decode('latin-1')[:80]} is not known.",
                field="Expect",
                remedy="Leave the header out, or send 100-continue.",
            )
        if self._problem is not None:
            # The client waits for a word before it sends the body; having heard no, it may or may not send it.
            self._fatal(self._problem)
        elif self.pending:
            self._owes_continue = True
        elif not self._transport.is_closing():
            self._transport.write(answers.CONTINUE)

    # answers

    def release(self) -> None:
        """Write whatever is answered at the head of `pending`."""
        pending = self.pending
        transport = self._transport
        while pending and pending[0].wire is not None:
            exchange = pending.popleft()
            if transport.is_closing():
                return
            assert exchange.wire is not None
            transport.write(exchange.wire)
            if not exchange.keep:
                self._end(exchange.linger)
                return
        if not pending:
            if self._stage is Stage.IDLE:
                self._since = self.desk.now
            if self._owes_continue:
                self._owes_continue = False
                transport.write(answers.CONTINUE)
        if self._paused:
            self._resume()

    def _end(self, linger: bool) -> None:
        self._stage = Stage.DEAF
        self._since = self.desk.now
        if linger and self._transport.can_write_eof():
            self._transport.write_eof()
            # What comes now is thrown away, so it is not held back either.
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
        else:
            self._transport.close()

    def _fatal(self, error: SlmlError) -> None:
        """Answer after all earlier ones, then end the connection: the rest of the input has no meaning any more."""
        if self._stage is Stage.DEAF:
            return
        self._stage = Stage.DEAF
        self.desk.count += 1
        name = b"%b%016x" % (self.desk.prefix, self.desk.count)
        exchange = Exchange(self, self.desk.now, name, self._door, self._headers, b"", b"")
        exchange.keep = False
        exchange.linger = True
        self.pending.append(exchange)
        exchange.fail(error)

    def _large_head(self) -> HeadersTooLarge:
        return HeadersTooLarge(
            f"The request line and headers are larger than {self._limits.head} bytes.",
            field="headers",
            remedy="Send fewer or shorter headers.",
        )

    def _large_body(self, length: int | None) -> TooLarge:
        return TooLarge(
            f"The body is larger than {self._most} bytes.",
            field="body",
            value=length,
            remedy="Send fewer rows per request, or deploy with a larger --max-body.",
        )

    # time

    def check(self, now: float) -> None:
        """End the connection when its client is too slow. Called by the gateway about once a second."""
        limits = self._limits
        age = now - self._since
        if self._choked is not None and now - self._choked > limits.write_time:
            self._transport.abort()
        elif self._stage is Stage.DEAF:
            if not self.pending and age > limits.linger_time:
                self._transport.abort()
        elif self._stage is Stage.HEAD and age > limits.head_time:
            self._fatal(RequestTimeout(f"The headers did not arrive within {limits.head_time:g} s.", field="headers"))
        elif self._stage is Stage.BODY and age > limits.body_time:
            self._fatal(RequestTimeout(f"The body did not arrive within {limits.body_time:g} s.", field="body"))
        elif self._stage is Stage.IDLE and not self.pending and (age > limits.idle_time or self.desk.leaving):
            self._transport.close()

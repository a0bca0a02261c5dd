"""One client connection: HTTP/1.1 with keep-alive and pipelining, on callbacks alone.

Requests of one connection may be answered in any order by the replicas; `pending` keeps their order, and an answer goes
out when it is at its head. A mistake that is seen early is answered when the request has been read to its end, so that the
connection can be kept; one after which the bytes cannot be trusted ends the connection, with a moment of reading on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
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
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.limits import Limits

Action = Callable[[Exchange], None]


class Desk(Protocol):
    """What a connection needs of the gateway."""

    limits: Limits
    connections: set[HttpConnection]
    #: Coarse monotonic time, good to a tenth of a second and free of charge.
    now: float
    leaving: bool

    def direct(self, method: bytes, url: bytes, authorization: bytes) -> Action:
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
        self._known_head = (b"", b"", frames.head(b"", b""))
        self._clear()

    def _clear(self) -> None:
        self._url = b""
        self._method = b""
        self._head_size = 0
        self._unended = 0
        self._content_type = b""
        self._accept = b""
        self._authorization = b""
        self._expect = b""
        self._length: int | None = None
        self._chunked = False
        self._problem: SlmlError | None = None
        self._action: Action | None = None
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
                exchange.done = exchange.endpoint is None
                if exchange.endpoint is not None:
                    exchange.endpoint.withdraw(exchange)
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
        if name == b"content-type":
            self._content_type = value
        elif name == b"accept":
            self._accept = value
        elif name == b"authorization":
            self._authorization = value
        elif name == b"content-length":
            # The parser has checked that it is a number, and that there is one only.
            self._length = int(value)
        elif name == b"transfer-encoding":
            self._chunked = True
            if value.strip().lower() != b"chunked":
                self._problem = BadRequest("The only transfer encoding taken is chunked.", field="Transfer-Encoding")
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            self._problem = UnsupportedType(
                "Compressed bodies are not taken.",
                field="Content-Encoding",
                value=value.decode("latin-1"),
                remedy="Send the body as it is.",
            )
        elif name == b"expect":
            self._expect = value.strip().lower()

    def on_headers_complete(self) -> None:
        if self._stage is Stage.DEAF:
            return
        self._stage = Stage.BODY
        limits = self._limits
        if self._head_size > limits.head:
            return self._fatal(self._large_head())
        if self._length is not None and self._length > limits.body:
            return self._fatal(self._large_body())
        method = self._method = self._parser.get_method()
        try:
            self._action = self.desk.direct(method, self._url, self._authorization)
            if self._problem is None and method == b"POST" and self._length is None and not self._chunked:
                self._problem = LengthRequired(remedy="Send Content-Length, or the body in chunks.", field="Content-Length")
        except SlmlError as error:
            self._problem = error
        if self._expect and self._parser.get_http_version() != "1.0":
            self._answer_expectation()
        return None

    def on_body(self, chunk: bytes) -> None:
        if self._stage is Stage.DEAF:
            return
        self._body_size += len(chunk)
        if self._body_size > self._limits.body:
            self._fatal(self._large_body())
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
        content_type, accept, head = self._known_head
        if content_type != self._content_type or accept != self._accept:
            head = frames.head(self._content_type, self._accept)
            self._known_head = (self._content_type, self._accept, head)
        body = self._body if self._chunks is None else b"".join(self._chunks)
        exchange = Exchange(self, monotonic(), head, body)
        exchange.keep = parser.should_keep_alive() and not self.desk.leaving
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
            assert self._action is not None
            self._action(exchange)

    def _answer_expectation(self) -> None:
        if self._expect != b"100-continue":
            self._problem = self._problem or ExpectationFailed(
                f"Expect: {self._expect.decode('latin-1')[:80]} is not known.",
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
        exchange = Exchange(self, self.desk.now, b"", b"")
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

    def _large_body(self) -> TooLarge:
        return TooLarge(
            f"The body is larger than {self._limits.body} bytes.",
            field="body",
            value=self._length,
            remedy="Send fewer rows per request.",
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

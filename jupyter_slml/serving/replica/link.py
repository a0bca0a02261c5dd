"""The data thread's lines to the gateways: blocking sockets, no event loop, one batch at a time.

It connects, says who it is, and answers frames until the gateway goes away; then it connects again. So a gateway that was
killed and started again has its replicas back within half a second. With one gateway nothing but `recv` stands between a
frame and its answer: each further call gives up the interpreter lock, which a busy console would then keep for a while.
"""

from __future__ import annotations

import json
import logging
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_slml.serving import frames

log = logging.getLogger("slml.replica")

FIRST_WAIT = 0.005
LONGEST_WAIT = 0.4
#: A buffer that a large batch made is kept up to this size.
USUAL = 1 << 20
KEPT = 8 << 20
#: Seconds for which a gateway may not take its answer; it stands still then, and others wait for us.
SEND_TIME = 10

Answer = Callable[[list[bytes]], list[bytes]]


class DataLink:
    """`hello` is the first line; `answer` gets the parts of a frame and gives as many, and does not raise."""

    def __init__(
        self, gateways: Sequence[str], hello: Mapping[str, Any], answer: Answer, attached: Callable[[], None]
    ) -> None:
        self._lines = [_Line(gateway) for gateway in gateways]
        self._hello = dict(hello)
        self._answer = answer
        #: Called each time a gateway has let us in.
        self._attached = attached
        self._busy_since: float | None = None

    @property
    def busy(self) -> float:
        """Seconds for which it has been at one frame. Asked by another thread."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def run(self) -> None:
        """Serve for ever."""
        while True:
            for line in self._readable():
                try:
                    self._advance(line)
                except (OSError, frames.BrokenFrame) as error:
                    log.info("the gateway at %s is lost: %s", line.gateway, error)
                    line.close()

    def _readable(self) -> list[_Line]:
        """Lines that have something to say, those that are due connected. A single one may be waited for in `recv`."""
        now = time.monotonic()
        for line in self._lines:
            if line.socket is None and line.due <= now:
                line.connect(self._hello)
        connected = [line for line in self._lines if line.socket is not None]
        if len(self._lines) == 1 and connected:
            return connected
        missing = [line.due for line in self._lines if line.socket is None]
        wait = max(0.0, min(missing) - time.monotonic()) if missing else None
        if not connected:
            time.sleep(wait or 0.0)
            return []
        poll = select.poll()
        by_number = {}
        for line in connected:
            assert line.socket is not None
            by_number[line.socket.fileno()] = line
            poll.register(line.socket, select.POLLIN)
        return [by_number[number] for number, _ in poll.poll(None if wait is None else wait * 1000 + 1)]

    def _advance(self, line: _Line) -> None:
        """Take what has come, and answer the frames that are whole. Raises OSError, BrokenFrame."""
        line.receive()
        if not line.known and line.introduced():
            self._attached()
        if not line.known:
            return
        for parts in line.frames():
            self._busy_since = time.monotonic()
            line.send(frames.join(self._answer(parts)))
            self._busy_since = None
            if parts:
                # It works: after a restart of the gateway it is in rotation at once.
                self._hello.pop("standby", None)


class _Line:
    """One connection, made anew after each loss."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.socket: socket.socket | None = None
        #: Whether the gateway has let us in.
        self.known = False
        #: When to connect.
        self.due = 0.0
        self._wait = FIRST_WAIT
        self._buffer = bytearray(USUAL)
        self._view = memoryview(self._buffer)
        self._have = 0

    def connect(self, hello: Mapping[str, Any]) -> None:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIME, 0))
        self.socket, self.known, self._have = line, False, 0
        try:
            line.connect(self.gateway)
            line.sendall(json.dumps({"hello": "replica", **hello}).encode() + b"\n")
        except OSError as error:
            log.info("the gateway at %s cannot be reached: %s", self.gateway, error)
            self.close()

    def close(self) -> None:
        assert self.socket is not None
        self.socket.close()
        self.socket = None
        self.due = time.monotonic() + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT)

    def receive(self) -> None:
        """Wait for more bytes. Raises OSError, ConnectionError at the end of the line."""
        assert self.socket is not None
        need = 4 + _length(self._view) if self.known and self._have >= 4 else 4
        if need > len(self._view):
            larger = bytearray(need)
            larger[: self._have] = self._view[: self._have]
            self._keep(larger)
        got = self.socket.recv_into(self._view[self._have :])
        if not got:
            raise ConnectionResetError("it closed the line")
        self._have += got

    def introduced(self) -> bool:
        """Read the gateway's word, if it is here. Raises ConnectionRefusedError when it does not let us in."""
        end = self._buffer.find(b"\n", 0, self._have)
        if end < 0:
            return False
        word = json.loads(bytes(self._view[:end]))
        if not word.get("ok"):
            raise ConnectionRefusedError(f"it does not let us in yet: {word.get('error')}")
        self._drop(end + 1)
        self.known = True
        self._wait = FIRST_WAIT
        return True

    def frames(self) -> Iterator[list[bytes]]:
        """The parts of each whole frame. Raises BrokenFrame."""
        while self._have >= 4 and (need := 4 + _length(self._view)) <= self._have:
            parts = frames.split(self._view[:need])
            self._drop(need)
            yield parts

    def send(self, data: bytes) -> None:
        assert self.socket is not None
        self.socket.sendall(data)

    def _drop(self, count: int) -> None:
        """Forget the first bytes."""
        rest = bytes(self._view[count : self._have])
        self._have = len(rest)
        if len(self._view) > KEPT and self._have < USUAL:
            self._keep(bytearray(USUAL))
        self._view[: self._have] = rest

    def _keep(self, buffer: bytearray) -> None:
        self._buffer, self._view = buffer, memoryview(buffer)


def _length(view: memoryview) -> int:
    (length,) = struct.unpack_from("<I", view)
    if not 4 <= length <= frames.MOST:
        raise frames.BrokenFrame("a frame of an impossible length")
    return int(length)

"""The data thread's line to the gateway: a blocking socket, no event loop.

It connects, says who it is, and answers frames until the gateway goes away; then it connects again. So a gateway that was
killed and started again has its replicas back within half a second.
"""

from __future__ import annotations

import json
import logging
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_slml.serving import frames

log = logging.getLogger("slml.replica")

FIRST_WAIT = 0.005
LONGEST_WAIT = 0.4
#: A buffer that a large batch made is kept up to this size.
USUAL = 1 << 20
KEPT = 8 << 20

Answer = Callable[[list[bytes]], list[bytes]]


class DataLink:
    """`hello` is the first line; `answer` gets the parts of a frame and gives as many, and does not raise."""

    def __init__(self, gateway: str, hello: Mapping[str, Any], answer: Answer, attached: Callable[[], None]) -> None:
        self._gateway = gateway
        self._hello = json.dumps({"hello": "replica", **hello}).encode() + b"\n"
        self._answer = answer
        #: Called each time the gateway has let us in.
        self._attached = attached
        self._buffer = bytearray(USUAL)

    def run(self) -> None:
        """Serve for ever."""
        wait = FIRST_WAIT
        while True:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                    line.connect(self._gateway)
                    line.sendall(self._hello)
                    have = self._introduced(line)
                    if have is not None:
                        wait = FIRST_WAIT
                        self._attached()
                        self._serve(line, have)
            except (OSError, frames.BrokenFrame) as error:
                log.info("the gateway cannot be reached: %s", error)
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _introduced(self, line: socket.socket) -> int | None:
        """Read the gateway's word: how many bytes of a frame came with it, or None when it does not let us in."""
        view = memoryview(self._buffer)
        have = 0
        while (end := self._buffer.find(b"\n", 0, have)) < 0:
            got = line.recv_into(view[have:])
            if not got:
                return None
            have += got
        word = json.loads(bytes(view[:end]))
        if not word.get("ok"):
            log.info("the gateway does not let us in yet: %s", word.get("error"))
            return None
        rest = bytes(view[end + 1 : have])
        view[: len(rest)] = rest
        return len(rest)

    def _serve(self, line: socket.socket, have: int) -> None:
        """Answer frame after frame until the gateway closes the line."""
        view = memoryview(self._buffer)
        while True:
            need = 4 if have < 4 else 4 + _length(view)
            while have < need:
                if need > len(view):
                    larger = bytearray(max(need, USUAL))
                    larger[:have] = view[:have]
                    self._buffer, view = larger, memoryview(larger)
                got = line.recv_into(view[have:])
                if not got:
                    return
                have += got
                need = 4 if have < 4 else 4 + _length(view)
            parts = frames.split(view[:need])
            line.sendall(frames.join(self._answer(parts)))
            rest = bytes(view[need:have])
            have = len(rest)
            if len(view) > KEPT and have < USUAL:
                self._buffer = bytearray(USUAL)
                view = memoryview(self._buffer)
            view[:have] = rest


def _length(view: memoryview) -> int:
    (length,) = struct.unpack_from("<I", view)
    if not 4 <= length <= frames.MOST:
        raise frames.BrokenFrame("a frame of an impossible length")
    return int(length)

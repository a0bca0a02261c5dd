"""JSON lines over a socket, with descriptors beside them."""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

_encode = json.JSONEncoder(default=str).encode
#: Room for the descriptors that may come at once.
_BESIDE = socket.CMSG_SPACE(32 * array.array("i").itemsize)


class Link:
    """One end. Sending blocks until the other end has room; nothing here raises when the other end is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._rest = b""
        self._lines: list[bytes] = []
        #: Descriptors that came, in their order.
        self.fds: list[int] = []
        self.closed = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message, fds: Sequence[int] = ()) -> bool:
        """False when nobody hears it."""
        data = _encode(message).encode() + b"\n"
        try:
            if fds:
                sent = socket.send_fds(self._socket, [data], list(fds))
                data = data[sent:]
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def receive(self) -> Message | None:
        """The next message; waits for it. None at the end."""
        while not self._lines:
            if not self._read(0):
                return None
        return self._decoded(self._lines.pop(0))

    def arrived(self) -> list[Message]:
        """What has come, without waiting; `closed` is set when nothing more will."""
        while not self.closed and self._read(socket.MSG_DONTWAIT):
            pass
        lines, self._lines = self._lines, []
        return [self._decoded(line) for line in lines]

    def close(self) -> None:
        self.closed = True
        self._socket.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def _read(self, flags: int) -> bool:
        """One read; False when nothing came."""
        try:
            # Not `socket.recv_fds`, which forgets its flags.
            data, beside, _, _ = self._socket.recvmsg(1 << 16, _BESIDE, flags | socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data, beside = b"", []
        for level, kind, packed in beside:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(packed[: len(packed) - len(packed) % fds.itemsize])
                self.fds.extend(fds)
        if not data:
            self.closed = True
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(lines)
        return True

    @staticmethod
    def _decoded(line: bytes) -> Message:
        message = json.loads(line)
        return message if isinstance(message, dict) else {}


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

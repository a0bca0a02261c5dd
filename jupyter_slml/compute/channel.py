"""The child's way to say something to its supervisor: JSON lines on the messages fd."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

#: All rich displays of one attempt together; what comes after is replaced by one sentence.
MAX_DISPLAY_BYTES = 32 * 2**20


#: `json.dumps` with options makes a new encoder each time.
_encode = json.JSONEncoder(default=str).encode


class Channel:
    """Thread-safe. A cell that closed the descriptor, or put something else in its place, only loses its messages."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._identity = _identity(fd)
        self._displayed = 0

    def send(self, message: dict[str, Any]) -> bool:
        """Write one line; False when nobody can hear it."""
        data = _encode(message).encode() + b"\n"
        with self._lock:
            if _identity(self._fd) != self._identity:
                return False
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:
                return False
        return True

    def close(self) -> None:
        """Say nothing more, in this process."""
        with self._lock:
            if _identity(self._fd) == self._identity:
                os.close(self._fd)

    def display(self, output: dict[str, Any]) -> None:
        """Send one nbformat output, within the bound."""
        size = len(_encode(output))
        over = self._displayed + size > MAX_DISPLAY_BYTES
        if over and self._displayed > MAX_DISPLAY_BYTES:
            return
        self._displayed += size
        if over:
            self._displayed = MAX_DISPLAY_BYTES + 1
            text = f"More than {MAX_DISPLAY_BYTES >> 20} MiB of displays: the rest was left out."
            output = {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
        self.send({"kind": "display", "output": output})


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino

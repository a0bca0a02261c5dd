"""A temporary file that knows the digest of what is written to it, without reading it again.

Large pieces are counted by a second thread while the next ones are written: both take about as long.
"""

from __future__ import annotations

import hashlib
import queue
import sys
import tempfile
import threading
from typing import Any

#: Pieces from this size on are worth a thread.
_LARGE = 2**20
#: Pieces that may wait to be counted; they stay in memory, where the value itself has most of them anyway.
_WAITING = 8


class Spool:
    """Written front to back by one thread; `digest` and `size` hold once `finish` has returned."""

    def __init__(self) -> None:
        self.file = tempfile.NamedTemporaryFile(prefix="slml-")  # noqa: SIM115 — open until the cargo is closed
        self.size = 0
        self._seen = hashlib.sha256()
        self._pieces: queue.Queue[Any] = queue.Queue(_WAITING)
        self._counter: threading.Thread | None = None

    def write(self, data: Any) -> int:
        written = self.file.write(data)
        self.size += written
        if written >= _LARGE and self._counter is None:
            self._counter = threading.Thread(target=self._count, name="slml-digest", daemon=True)
            self._counter.start()
        if self._counter is None:
            self._seen.update(data)
        else:
            self._pieces.put(data)
            if not _stays(data):
                # The writer may use its memory for the next piece.
                self._pieces.join()
        return written

    def finish(self) -> tuple[str, int]:
        """Digest and size; the file stands at its beginning."""
        self._end()
        self.file.flush()
        self.file.seek(0)
        return self._seen.hexdigest(), self.size

    def close(self) -> None:
        self._end()
        self.file.close()

    def tell(self) -> int:
        return self.size

    def seekable(self) -> bool:
        """No: what is behind has been counted. Writers that would go back (zip) write a stream instead."""
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self.file.flush()

    @property
    def closed(self) -> bool:
        return bool(self.file.closed)

    def _end(self) -> None:
        if self._counter is not None:
            self._pieces.put(None)
            self._counter.join()
            self._counter = None

    def _count(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._seen.update(piece)
            self._pieces.task_done()


def _stays(data: object) -> bool:
    """Whether the bytes stay as they are for as long as the object is held."""
    arrow = sys.modules.get("pyarrow")
    return type(data) is bytes or (arrow is not None and isinstance(data, arrow.Buffer))

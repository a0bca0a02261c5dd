"""A temporary file that knows the digest of what is written to it, without reading it again.

Large pieces are counted by a second thread while the next ones are written: both take about as long. Where the store is a
local folder, a large file is written there and the store counts along: what it is going to keep it must count in any case,
and counting is what takes longest.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_slml.errors import SlmlError

#: Pieces from this size on are worth a thread.
_LARGE = 2**20
#: Pieces that may wait to be counted; they stay in memory, where the value itself has most of them anyway.
_WAITING = 8


#: Files from this size on go to the store's folder.
_MOVED = 32 * 2**20


class Store(Protocol):
    """Where the file will be put, once it is known that it is not there yet."""

    def incoming(self) -> Path | None: ...

    def missing(self, digests: Sequence[str]) -> list[str]: ...

    def follow(self, path: Path) -> None: ...

    def count(self, path: Path) -> str: ...


class Tally:
    """Counts what is written to it, front to back, and keeps nothing."""

    def __init__(self) -> None:
        self.size = 0
        self._seen = hashlib.sha256()

    def write(self, data: Any) -> int:
        written = memoryview(data).nbytes
        self._seen.update(data)
        self.size += written
        return written

    def finish(self) -> tuple[str, int]:
        """Digest and size."""
        return self._seen.hexdigest(), self.size

    def close(self) -> None:
        """Nothing is open."""

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
        """Nothing is held back."""

    @property
    def closed(self) -> bool:
        return False


class Spool(Tally):
    """Written front to back by one thread; the digest holds once `finish` has returned.

    `store` is called for when the file turns out to be large.
    """

    def __init__(self, store: Callable[[], Store] | None = None) -> None:
        super().__init__()
        self._store = store
        #: Who counts the file, once it is in the store's folder.
        self._counting: Store | None = None
        self.file = tempfile.NamedTemporaryFile(prefix="slml-")  # noqa: SIM115 — open until the cargo is closed
        self._pieces: queue.Queue[Any] = queue.Queue(_WAITING)
        self._counter: threading.Thread | None = None

    def write(self, data: Any) -> int:
        if self._store is not None and self.size + memoryview(data).nbytes >= _MOVED:
            self._move(self._store)
            self._store = None
        written = self.file.write(data)
        self.size += written
        if self._counting is not None:
            return written
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
        if self._counting is None:
            return self._seen.hexdigest(), self.size
        try:
            digest = self._counting.count(Path(self.file.name))
        except SlmlError:
            digest = hashlib.file_digest(self.file, "sha256").hexdigest()
            self.file.seek(0)
        return digest, self.size

    def close(self) -> None:
        self._end()
        self.file.close()

    def flush(self) -> None:
        self.file.flush()

    @property
    def moved(self) -> bool:
        """Whether it was large enough for the store's folder."""
        return self._counting is not None

    @property
    def closed(self) -> bool:
        return bool(self.file.closed)

    def _move(self, store: Callable[[], Store]) -> None:
        """Go on in the store's folder. The file stays where it is when there is none, or no room."""
        with contextlib.suppress(OSError, SlmlError):
            place = store()
            if (folder := place.incoming()) is None:
                return
            moved = tempfile.NamedTemporaryFile(prefix="slml-", dir=folder)  # noqa: SIM115
            try:
                self.file.seek(0)
                shutil.copyfileobj(self.file, moved)
            except OSError:
                moved.close()
                self.file.seek(self.size)
                raise
            self._end()
            self.file.close()
            self.file, self._counting = moved, place
            moved.flush()
            place.follow(Path(moved.name))

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

"""Copies of remote inputs on this host: each made once, the longest unused go first.

`<key>/data` holds the files, read-only; `<key>/size` their bytes; the time of `<key>` is its last use. A copy appears under
its key when it is whole. All methods block and may be called from any thread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_slml.compute.amounts import size_text
from jupyter_slml.compute.source import InputFailed, Part, Source, Unwanted, explained

_CHUNK = 4 * 2**20
#: Files of one source that are brought at the same time.
_ABREAST = 8
#: Pauses between tries for a file whose transfer broke.
_PAUSES = (0.5, 2.0)


class InputCache:
    """One per runner; `root` belongs to it alone."""

    def __init__(self, root: Path, limit: int) -> None:
        self.root = root
        self.limit = limit
        self._lock = threading.Lock()
        self._makers: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._expected: dict[str, int] = {}
        for left in root.glob(".*.part"):
            discard(left)

    def fetch(self, source: Source, holder: str, unwanted: threading.Event) -> Path:
        """The directory that holds the files of `source`. It stays until `release(holder)`.

        Raises InputFailed, and Unwanted soon after the event was set.
        """
        key = source.key
        with self._lock:
            self._holders[key].add(holder)
            maker = self._makers[key]
        entry = self.root / key
        with maker:
            if not entry.is_dir():
                self._make(source, entry, unwanted)
            os.utime(entry)
        return entry / "data"

    def release(self, holder: str) -> None:
        with self._lock:
            for key, holders in list(self._holders.items()):
                holders.discard(holder)
                if not holders:
                    del self._holders[key]

    def _make(self, source: Source, entry: Path, unwanted: threading.Event) -> None:
        self._make_room(source, entry.name)
        part = self.root / f".{entry.name}.part"
        discard(part)
        try:
            with explained(source.channel, source.uri):
                (part / "data").mkdir(parents=True, mode=0o700)
                transfer = _Transfer(source, part / "data", self.limit, unwanted)
                with ThreadPoolExecutor(min(_ABREAST, len(source.parts) or 1)) as pool:
                    list(pool.map(transfer.bring, source.parts))
                if transfer.error is not None:
                    raise transfer.error
                (part / "size").write_text(str(transfer.total))
                _close(part / "data")
                part.rename(entry)
        finally:
            with self._lock:
                self._expected.pop(entry.name, None)
            discard(part)

    def _make_room(self, source: Source, key: str) -> None:
        """Drop the longest unused copies until there is room. Raises InputFailed when that is not enough."""
        with self._lock:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            entries = sorted((path for path in self.root.iterdir() if not path.name.startswith(".")), key=_used)
            sizes = {path: _size(path) for path in entries}
            taken = sum(sizes.values()) + sum(self._expected.values())
            for path in entries:
                if taken + source.size <= self.limit:
                    break
                if path.name not in self._holders:
                    discard(path)
                    taken -= sizes[path]
            free = shutil.disk_usage(self.root).free
            if taken + source.size > self.limit or source.size > free:
                room = min(self.limit - taken, free)
                raise InputFailed(
                    source.channel,
                    source.uri,
                    f"it has {size_text(source.size)}, and the cache of this host has room for {size_text(max(0, room))}",
                    "Use --input-mode stream, or set a larger cache: jupyter slml config cache_gib=NUMBER.",
                )
            self._expected[key] = source.size


class _Transfer:
    """Brings the files of one source into a directory. The first error ends it."""

    def __init__(self, source: Source, folder: Path, limit: int, unwanted: threading.Event) -> None:
        self.source = source
        self.folder = folder
        self.total = 0
        self.error: Exception | None = None
        self._limit = limit
        self._unwanted = unwanted
        self._lock = threading.Lock()

    def bring(self, part: Part) -> None:
        try:
            for pause in (*_PAUSES, None):
                try:
                    return self._copy(part)
                except (FileNotFoundError, PermissionError):
                    raise
                except OSError:
                    if pause is None:
                        raise
                time.sleep(pause)
        except Exception as error:
            self.error = self.error or error

    def _copy(self, part: Part) -> None:
        target = self.folder / part.place
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        size = 0
        with self.source.fs.open(part.path, "rb") as reader, target.open("wb") as writer:
            while data := reader.read(_CHUNK):
                if self._unwanted.is_set() or self.error is not None:
                    raise Unwanted
                writer.write(data)
                size += len(data)
                if size > self._limit:
                    problem = "it is larger than this host's cache of inputs"
                    raise InputFailed(self.source.channel, self.source.uri, problem, "Use --input-mode stream.")
        if part.size is not None and size != part.size:
            raise OSError(f"{part.path} has {part.size} bytes, and {size} came")
        target.chmod(0o400)
        with self._lock:
            self.total += size


def _used(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0


def _size(entry: Path) -> int:
    try:
        return int((entry / "size").read_text())
    except (OSError, ValueError):
        return 0


def _close(folder: Path) -> None:
    """Take the right to write in it from everybody, ourselves too."""
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o500)


def discard(entry: Path) -> None:
    """Delete a copy, or a whole cache. Nobody may write in their directories."""
    for parent, _, _ in os.walk(entry):
        with contextlib.suppress(OSError):
            Path(parent).chmod(0o700)
    shutil.rmtree(entry, ignore_errors=True)

"""Counting the digest of a file along while another process still writes it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from typing import NamedTuple

_CHUNK = 2**20
#: Seconds without a new byte after which a file is not followed any more; whoever wants its digest then reads it again.
_PATIENCE = 30.0
#: Files that are followed at a time. More are read when they are complete.
_MOST = 4


#: Digests that are remembered until their files are handed over.
_REMEMBERED = 256


class _Identity(NamedTuple):
    """A file, whatever its names are."""

    device: int
    inode: int


class _Version(NamedTuple):
    """A file as it is after a certain write."""

    identity: _Identity
    size: int
    modified: int


class Followers:
    """The files of this process that are being followed, and those that have been. Thread-safe."""

    def __init__(self) -> None:
        self._reading: dict[_Identity, _Follower] = {}
        self._digests: dict[_Version, str] = {}
        self._lock = threading.Lock()

    def follow(self, handle: int) -> None:
        """Read along the open file `handle`, which is closed here. Its writer goes from front to back."""
        identity = _version(handle).identity
        with self._lock:
            for old in [old for old, follower in self._reading.items() if not follower.is_alive()]:
                del self._reading[old]
            if identity in self._reading or len(self._reading) >= _MOST:
                os.close(handle)
                return
            follower = self._reading[identity] = _Follower(handle)
            follower.start()

    def digest(self, handle: int) -> str:
        """sha256 of the open file, which is complete. Read now, unless it was followed or has been asked for before."""
        version = _version(handle)
        with self._lock:
            if (known := self._digests.get(version)) is not None:
                return known
            follower = self._reading.pop(version.identity, None)
        digest = None if follower is None else follower.digest(version.size)
        if digest is None:
            with open(handle, "rb", closefd=False) as file:
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        with self._lock:
            self._digests[version] = digest
            while len(self._digests) > _REMEMBERED:
                del self._digests[next(iter(self._digests))]
        return digest


def _version(handle: int) -> _Version:
    found = os.fstat(handle)
    return _Version(_Identity(found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns)


class _Follower(threading.Thread):
    def __init__(self, handle: int) -> None:
        super().__init__(name="slml-follower", daemon=True)
        self._handle = handle
        self._seen = hashlib.sha256()
        self._size = 0
        self._left = False
        self._complete = threading.Event()

    def digest(self, size: int) -> str | None:
        self._complete.set()
        self.join()
        return None if self._left or self._size != size else self._seen.hexdigest()

    def run(self) -> None:
        piece = memoryview(bytearray(_CHUNK))
        last = time.monotonic()
        with os.fdopen(self._handle, "rb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                # Asked before reading: what is read after that is all there is.
                complete = self._complete.is_set()
                if read := file.readinto(piece):
                    self._seen.update(piece[:read])
                    self._size += read
                    last = time.monotonic()
                elif complete:
                    return
                elif time.monotonic() - last > _PATIENCE:
                    break
                else:
                    self._complete.wait(0.005)
        self._left = True

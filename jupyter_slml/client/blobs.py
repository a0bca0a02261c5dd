"""Verbs of content-addressed bytes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.views import Status
from jupyter_slml.errors import IntegrityError, StorageFull

_CHUNK = 4 * 2**20
#: Files from this size on are handed over to a local store and not sent through the socket.
HAND_OVER = 2**20


class Blobs:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._incoming: Path | None = None
        self._asked = False

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Which of these the store does not have."""
        if not digests:
            return []
        found = self._transport.request("POST", "/blobs/missing", json={"digests": list(digests)}).json()
        return list(found["missing"])

    def put(self, digest: str, source: bytes | Path) -> None:
        """Store bytes or a file under its digest. Raises IntegrityError when it has another one, StorageFull."""
        if isinstance(source, Path) and source.stat().st_size >= HAND_OVER and (folder := self.incoming()) is not None:
            with _handed(source, folder) as name:
                self._transport.request("PUT", f"/blobs/{digest}", headers={"X-Slml-Incoming": name}, timeout=600.0)
            return
        body: bytes | Iterable[bytes] = source if isinstance(source, bytes) else _chunks(source)
        self._transport.request("PUT", f"/blobs/{digest}", content=body)

    def follow(self, path: Path) -> None:
        """Have the store read along a file in `incoming` that is going to be written from front to back."""
        self._transport.request("POST", f"/blobs/incoming/{path.name}")

    def count(self, path: Path) -> str:
        """The digest of a complete file in `incoming`. Counted once: the store knows it when the file is put."""
        return str(self._transport.request("GET", f"/blobs/incoming/{path.name}", timeout=600.0).json()["digest"])

    def incoming(self) -> Path | None:
        """Where a local store takes files over; None for another store, or when the folder is not ours to write to."""
        if not self._asked:
            parts = urlsplit(self._transport.record(Status, "GET", "/status").store)
            folder = Path(unquote(parts.path)) / "incoming"
            if parts.scheme == "file" and os.access(folder, os.W_OK | os.X_OK):
                self._incoming = folder
            self._asked = True
        return self._incoming

    def get(self, digest: str) -> bytes:
        return self._transport.request("GET", f"/blobs/{digest}").content

    def fetch(self, digest: str, file: IO[bytes]) -> None:
        """Write the bytes of a digest to `file`. Raises NotFound, IntegrityError."""
        found = hashlib.sha256()
        with self._transport.stream(f"/blobs/{digest}") as response:
            for chunk in response.iter_bytes():
                found.update(chunk)
                file.write(chunk)
        if found.hexdigest() != digest:
            raise IntegrityError(f"The bytes of {digest[:12]}… arrived with another digest.")


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


@contextlib.contextmanager
def _handed(source: Path, folder: Path) -> Iterator[str]:
    """A name in `folder` for the file: a link where that is possible, else a copy."""
    target = folder / secrets.token_hex(16)
    try:
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
        yield target.name
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFull("The disk of the blob store is full.", remedy="Make room, then try again.") from error
    finally:
        target.unlink(missing_ok=True)

"""Verbs of content-addressed bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from jupyter_slml.client.transport import Transport

_CHUNK = 4 * 2**20


class Blobs:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Which of these the store does not have."""
        if not digests:
            return []
        found = self._transport.request("POST", "/blobs/missing", json={"digests": list(digests)}).json()
        return list(found["missing"])

    def put(self, digest: str, source: bytes | Path) -> None:
        """Store bytes or a file under its digest. Raises IntegrityError when it has another one, StorageFull."""
        body: bytes | Iterable[bytes] = source if isinstance(source, bytes) else _chunks(source)
        self._transport.request("PUT", f"/blobs/{digest}", content=body)

    def get(self, digest: str) -> bytes:
        return self._transport.request("GET", f"/blobs/{digest}").content


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk

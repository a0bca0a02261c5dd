"""The blob store: named bytes that every process of a workspace, on every host, can reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol


def digest_key(digest: str) -> str:
    """Where content-addressed bytes live."""
    return f"cas/sha256/{digest[:2]}/{digest}"


def attempt_key(attempt: str, leaf: str) -> str:
    """Where an attempt keeps its start mark, its outcome, its log chunks and its metrics."""
    return f"attempts/{attempt}/{leaf}"


class Entry(NamedTuple):
    """One stored object as a listing shows it: size in bytes, `modified` in epoch seconds."""

    key: str
    size: int
    modified: float


class Blobs(Protocol):
    """Bytes by key.

    All methods may block and may be called from any thread. A put is atomic (a reader sees all or nothing) and durable when
    it returns, on local disks by fsync. Keys are made by `digest_key` and `attempt_key` from ids and digests, never from
    names that users choose.

    Raises: `StorageFull` when there is no space, `Unavailable` when the store cannot be reached.
    """

    url: str

    def create(self, key: str, data: bytes) -> bool:
        """Store `data` unless `key` exists; True for exactly one of all callers, ever. The fence of attempts rests on it."""

    def put(self, key: str, data: bytes) -> None:
        """Store or replace. Durability may lag (log chunks)."""

    def get(self, key: str) -> bytes:
        """Raises `NotFound`."""

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str) -> list[str]:
        """Keys below `prefix`, sorted."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """All objects below `prefix`, in no order, as they are found."""

    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""

    def add(self, chunks: Iterable[bytes], digest: str | None = None) -> tuple[str, int]:
        """Store content-addressed bytes; returns (digest, size). With `digest` given, raises `IntegrityError` and stores
        nothing when the content has another one."""

    def add_file(self, path: Path) -> tuple[str, int]:
        """`add` for a file; may take the file over (hard link) when it lies on the same file system."""

    def follow(self, name: str) -> None:
        """Read along the file `name` in `incoming` of a local store, which another process goes on writing from front to
        back: its digest is known soon after its end. Raises as `adopt` does."""

    def count(self, name: str) -> str:
        """sha256 of the file `name` in `incoming`, which is complete. `adopt` need not count it again, unless it has been
        written to since. Raises as `adopt` does."""

    def adopt(self, name: str, digest: str) -> int:
        """Take over the file `name` that a process of the same user has written into `incoming` of a local store; returns
        its size. The file is gone from there afterwards. Raises `IntegrityError` when it has another digest, `Invalid` for
        a name that no such file can have or a store that is not local, `NotFound`."""

    def read(self, digest: str) -> Iterator[bytes]:
        """The bytes of a digest, in chunks. Raises `NotFound`."""

    def local(self, digest: str, cache: Path) -> Path:
        """A file with the bytes of `digest`, to be opened read-only: the stored file itself on a local store, else a copy
        in `cache`, made once. Raises `NotFound`, `IntegrityError`."""

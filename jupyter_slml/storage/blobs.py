"""The blob store on obstore: a local directory, S3, GCS or Azure by URL.

obstore's local puts are atomic (a temporary file, then a link or rename) but not durable: it never calls fsync. For a local
store this file does, for the object and for its directory, because attempts are fenced by these objects and a registered
model must outlive a power cut.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from jupyter_slml.errors import IntegrityError, Invalid, NotFound, SlmlError, StorageFull, Unavailable
from jupyter_slml.ports.blobs import Blobs, Entry, digest_key
from jupyter_slml.storage.follower import Followers

_CHUNK = 4 * 2**20
#: What a client may call a file in `incoming`: nothing that leads elsewhere.
_HANDED = re.compile(r"[A-Za-z0-9_-]{8,64}")


def open_blobs(url: str) -> Blobs:
    """Open the store of `url` (`file:///dir`, `s3://bucket/prefix`, `gs://…`, `az://…`). Raises Invalid for others."""
    return ObjectBlobs(url)


def file_url(path: Path) -> str:
    """The URL of a local store."""
    return path.absolute().as_uri()


class ObjectBlobs:
    """`ports.blobs.Blobs` over any store that obstore knows."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self.root: Path | None = None
        self._followers = Followers()
        if parts.scheme == "file":
            self.root = Path(unquote(parts.path))
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.root / "incoming").mkdir(mode=0o700, exist_ok=True)
            self._store: ObjectStore = LocalStore(self.root)
            return
        try:
            self._store = from_url(url)
        except (BaseError, ValueError) as error:
            raise Invalid(
                f"{url!r} is not a blob store: {str(error).splitlines()[0]}.",
                field="store",
                value=url,
                remedy="Use file:///shared/directory, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.",
            ) from error

    def create(self, key: str, data: bytes) -> bool:
        try:
            with _translated(key):
                obstore.put(self._store, key, data, mode="create")
        except AlreadyExistsError:
            return False
        self._sync(key)
        return True

    def put(self, key: str, data: bytes) -> None:
        with _translated(key):
            obstore.put(self._store, key, data)

    def get(self, key: str) -> bytes:
        with _translated(key):
            return bytes(obstore.get(self._store, key).bytes())

    def exists(self, key: str) -> bool:
        try:
            with _translated(key):
                obstore.head(self._store, key)
        except NotFound:
            return False
        return True

    def list(self, prefix: str) -> list[str]:
        with _translated(prefix):
            return sorted(item["path"] for batch in obstore.list(self._store, prefix) for item in batch)

    def entries(self, prefix: str) -> Iterator[Entry]:
        with _translated(prefix):
            for batch in obstore.list(self._store, prefix):
                for item in batch:
                    yield Entry(item["path"], item["size"], item["last_modified"].timestamp())

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotFound), _translated(key):
            obstore.delete(self._store, key)

    def add(self, chunks: Iterable[bytes], digest: str | None = None) -> tuple[str, int]:
        folder = None if self.root is None else self.root / "incoming"
        with _translated(digest or "new bytes"):
            handle, name = tempfile.mkstemp(dir=folder)
            temporary = Path(name)
            try:
                found = hashlib.sha256()
                size = 0
                with os.fdopen(handle, "wb") as file:
                    for chunk in chunks:
                        found.update(chunk)
                        file.write(chunk)
                        size += len(chunk)
                    file.flush()
                    if self.root is not None:
                        os.fsync(file.fileno())
                if digest is not None and found.hexdigest() != digest:
                    raise _changed(digest)
                self._publish(temporary, digest_key(found.hexdigest()))
                return found.hexdigest(), size
            finally:
                temporary.unlink(missing_ok=True)

    def add_file(self, path: Path) -> tuple[str, int]:
        return self.add(_chunks(path))

    def follow(self, name: str) -> None:
        with _translated(name):
            self._followers.follow(self._handed(name))

    def count(self, name: str) -> str:
        with _translated(name):
            handle = self._handed(name)
            try:
                return self._followers.digest(handle)
            finally:
                os.close(handle)

    def adopt(self, name: str, digest: str) -> int:
        path = self._incoming(name)
        with _translated(digest):
            try:
                handle = self._handed(name)
            except FileNotFoundError:
                # Asked again, after an answer that got lost.
                return self.local(digest, path.parent).stat().st_size
            with os.fdopen(handle, "rb"), ThreadPoolExecutor(1) as writer:
                # The disk writes while the processor counts.
                durable = writer.submit(os.fsync, handle)
                same = self._followers.digest(handle) == digest
                durable.result()
                size = os.fstat(handle).st_size
            try:
                if not same:
                    raise _changed(digest)
                self._publish(path, digest_key(digest))
            finally:
                path.unlink(missing_ok=True)
            return size

    def _incoming(self, name: str) -> Path:
        if self.root is None or not _HANDED.fullmatch(name):
            raise Invalid(
                f"{name[:80]!r} is no file that was handed over.",
                field="X-Slml-Incoming",
                value=name,
                remedy="Send the bytes as the body; only a local store takes files over.",
            )
        return self.root / "incoming" / name

    def _handed(self, name: str) -> int:
        """The open file that a process of this user has put into `incoming`. Raises FileNotFoundError, Invalid."""
        handle = os.open(self._incoming(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            os.close(handle)
            raise Invalid(f"incoming/{name} is no file of this user.", field="X-Slml-Incoming", value=name)
        return handle

    def _publish(self, temporary: Path, key: str) -> None:
        if self.root is None:
            with contextlib.suppress(AlreadyExistsError):
                obstore.put(self._store, key, temporary, mode="create")
            return
        target = self.root / key
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not target.exists():
            temporary.chmod(0o400)
            temporary.rename(target)
            _sync_directory(target.parent)

    def read(self, digest: str) -> Iterator[bytes]:
        with _translated(digest):
            stream = obstore.get(self._store, digest_key(digest)).stream(min_chunk_size=_CHUNK)
        for chunk in stream:
            yield bytes(chunk)

    def local(self, digest: str, cache: Path) -> Path:
        if self.root is not None:
            path = self.root / digest_key(digest)
            if not path.is_file():
                raise NotFound(f"The store has no bytes with the digest {digest[:12]}….")
            return path
        path = cache / digest
        if path.is_file():
            return path
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=cache)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in self.read(digest):
                    found.update(chunk)
                    file.write(chunk)
            if found.hexdigest() != digest:
                raise IntegrityError(f"The stored bytes of {digest[:12]}… have another digest.")
            Path(name).rename(path)
        finally:
            Path(name).unlink(missing_ok=True)
        return path

    def _sync(self, key: str) -> None:
        if self.root is None:
            return
        path = self.root / key
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        _sync_directory(path.parent)


def _changed(digest: str) -> IntegrityError:
    return IntegrityError(
        f"The bytes sent as {digest[:12]}… have another digest.",
        remedy="Send them again; if it happens again, the sender changed the value while sending it.",
    )


def verify(path: Path, digest: str) -> None:
    """Raises IntegrityError unless the file has that sha256."""
    found = hashlib.sha256()
    for chunk in _chunks(path):
        found.update(chunk)
    if found.hexdigest() != digest:
        raise IntegrityError(
            f"{path.name[:12]}… was changed on disk: its content has the digest {found.hexdigest()[:12]}….",
            remedy="Restore the blob store from a backup, or make the artifact again.",
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _translated(subject: str) -> Iterator[None]:
    """obstore's and the system's errors as ours; AlreadyExistsError passes, for it is an answer and not a failure."""
    try:
        yield
    except (AlreadyExistsError, SlmlError):
        raise
    except FileNotFoundError as error:
        raise NotFound(f"The store has nothing under {subject!r}.") from error
    except (BaseError, OSError, ValueError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in str(error):
            raise StorageFull(
                "The disk of the blob store is full.",
                remedy="Make room (jupyter slml stop --purge deletes a whole workspace), then try again.",
            ) from error
        raise Unavailable(f"The blob store failed on {subject!r}: {str(error).splitlines()[0]}.") from error

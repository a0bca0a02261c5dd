"""Where the output goes: atomic files and create-exclusive marks below one URI."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

#: Below the output: the plan and a line per part; the records that failed; the mark of a finished job.
MANIFEST = "_manifest"
ERRORS = "_errors"
SUCCESS = "_SUCCESS"


class Target(Protocol):
    """Names are relative POSIX paths. Methods raise OSError and what the file system raises."""

    def names(self) -> list[str]:
        """All files below it, sorted; none when it is not there."""

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError."""

    def size(self, name: str) -> int | None:
        """None when it is not there."""

    def open(self, name: str) -> BinaryIO:
        """For reading. Raises FileNotFoundError."""

    def create(self, name: str, data: bytes) -> bool:
        """Write all or nothing, unless it exists; whether this call did it."""

    def delete(self, name: str) -> None:
        """Deleting what is not there is no error."""

    def writing(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A file that appears under its name, whole and in place of an older one, when the block ends without error."""


def target(uri: str) -> Target:
    """Raises ImportError for a scheme whose package is not installed, ValueError for one that nobody knows."""
    from fsspec.core import url_to_fs
    from fsspec.implementations.local import LocalFileSystem

    plain = "://" not in uri
    fs, path = url_to_fs(str(Path(uri).expanduser()) if plain else uri)
    return LocalTarget(Path(path)) if type(fs) is LocalFileSystem else RemoteTarget(fs, path.rstrip("/"))


class LocalTarget:
    """A directory; what is written is on the disk (fsync) before it has its name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        if not self.root.is_dir():
            return [""] if self.root.exists() else []
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if not path.is_dir() and not path.name.endswith(".tmp")
        )

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def size(self, name: str) -> int | None:
        try:
            return (self.root / name).stat().st_size
        except OSError:
            return None

    def open(self, name: str) -> BinaryIO:
        return (self.root / name).open("rb")

    def create(self, name: str, data: bytes) -> bool:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path)
        try:
            with draft.open("wb") as file:
                file.write(data)
                _flush(file)
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(path.parent)
        return True

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path)
        try:
            with draft.open("wb", buffering=1 << 20) as file:
                yield file
                _flush(file)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)

    def sweep(self) -> None:
        """Delete what killed writers left unfinished."""
        for path in self.root.rglob(".*.tmp"):
            path.unlink(missing_ok=True)


class RemoteTarget:
    """An object store: an object appears when its upload is complete."""

    def __init__(self, fs: Any, root: str) -> None:
        self._fs = fs
        self._root = root

    def names(self) -> list[str]:
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._root)
        except FileNotFoundError:
            return []
        return sorted(str(PurePosixPath(name).relative_to(self._root)) for name in found)

    def read(self, name: str) -> bytes:
        data: bytes = self._fs.cat_file(self._path(name))
        return data

    def size(self, name: str) -> int | None:
        self._fs.invalidate_cache()
        try:
            return int(self._fs.info(self._path(name))["size"])
        except FileNotFoundError:
            return None

    def open(self, name: str) -> BinaryIO:
        file: BinaryIO = self._fs.open(self._path(name), "rb")
        return file

    def create(self, name: str, data: bytes) -> bool:
        try:
            self._fs.pipe_file(self._path(name), data, mode="create")
        except FileExistsError:
            return False
        except (NotImplementedError, TypeError):
            # A store without conditional writes: what is there stays, and only a race of two attempts could pass.
            if self.size(name) is not None:
                return False
            self._fs.pipe_file(self._path(name), data)
        return True

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        file = self._fs.open(self._path(name), "wb")
        try:
            yield file
        except BaseException:
            with contextlib.suppress(Exception):
                file.discard()
            # Closing it, as its end would, completes the upload.
            with contextlib.suppress(AttributeError):
                file.closed = True
            raise
        file.close()

    def sweep(self) -> None:
        """Nothing to do: an unfinished upload is no object."""

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""Archives of others, looked at before anything of them is written.

What is refused: names that lead out of the folder, links, devices, encrypted or doubled members, and more bytes than the
archive says or than its own size makes believable. Members are read in pieces and never by the archive library itself, so
that no header can make it read without bounds.
"""

from __future__ import annotations

import gzip
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from jupyter_slml.errors import Invalid

#: Bounds of one archive: bytes and members that it may hold, and how far it may have been compressed beyond a free size.
MOST_BYTES = 16 * 2**30
MOST_MEMBERS = 20_000
MOST_RATIO = 100
FREE_BYTES = 64 * 2**20

_PIECE = 2**20
#: No archive's header needs more at once; the file's own content is read in pieces.
_LARGEST_READ = 8 * _PIECE


class Member(NamedTuple):
    """A file in an archive: its checked relative name and its size as declared, which holds."""

    name: str
    size: int


class _Bounded:
    """A file of which nobody reads much at once, or on and on: a tar header may claim any length."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._most = most

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _LARGEST_READ:
            raise tarfile.ReadError("a header of absurd length")
        data = self._file.read(size)
        if self._file.tell() > self._most:
            raise tarfile.ReadError("it unpacks to more than it may")
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        if whence == 0 and position > self._most:
            raise tarfile.ReadError("it unpacks to more than it may")
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


def is_archive(path: Path) -> bool:
    """Whether the first bytes are those of a zip, a gzip or a tar file."""
    with path.open("rb") as file:
        head = file.read(263)
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar"


def unpack(path: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> list[Member]:
    """Write the files of a zip, tar or tar.gz below `folder`, which is empty, with modes of our own.

    Raises Invalid that names the member and what is wrong with it. All members are looked at before the first one is
    written, so of an archive that is refused for its members, nothing is written.
    """
    try:
        with _opened(path) as found:
            most = min(most_bytes, path.stat().st_size * MOST_RATIO + FREE_BYTES)
            return (
                _unpack_zip(path, found, folder, most)
                if isinstance(found, zipfile.ZipFile)
                else _unpack_tar(path, folder, most)
            )
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError) as error:
        raise refusal(path, f"it is damaged or no archive: {str(error)[:200]}") from error


def refusal(path: Path, why: str) -> Invalid:
    return Invalid(
        f"{path.name} is not unpacked: {why}.",
        field="path",
        value=path.name,
        remedy="Make the archive anew of plain files with relative names.",
    )


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile | None]:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"PK":
        with zipfile.ZipFile(path) as found:
            yield found
    else:
        yield None


def _unpack_zip(path: Path, archive: zipfile.ZipFile, folder: Path, most: int) -> list[Member]:
    check = _Check(path, most)
    infos = []
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & 0x1:
            raise refusal(path, f"{_shown(info.filename)} is encrypted")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise refusal(path, f"{_shown(info.filename)} is {_KINDS.get(kind, 'a special file')}")
        # The library changes names (backslashes, NUL); what is checked is what the archive says.
        if check.add(info.orig_filename, info.file_size, info.is_dir()):
            infos.append(info)
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        raise refusal(path, "its members overlap")
    for info, member in zip(infos, check.members, strict=True):
        with archive.open(info) as source:
            _write(path, source, folder, member)
    return check.members


def _unpack_tar(path: Path, folder: Path, most: int) -> list[Member]:
    check = _Check(path, most)
    with _tar(path, most) as archive:
        for info in archive:
            if not (info.isreg() or info.isdir()) or info.sparse is not None:
                raise refusal(path, f"{_shown(info.name)} is {_tar_kind(info)}")
            check.add(info.name, info.size, info.isdir())
    wanted = {member.name: member for member in check.members}
    with _tar(path, most) as archive:
        for info in archive:
            member = None if info.isdir() else wanted[_relative(path, info.name)]
            source = archive.extractfile(info) if member else None
            if member is not None and source is not None:
                _write(path, source, folder, member)
    return check.members


@contextmanager
def _tar(path: Path, most: int) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        # The padding of a tar file is beside its members.
        stream: Any = gzip.GzipFile(fileobj=raw) if compressed else raw
        with tarfile.open(fileobj=_Bounded(stream, most + MOST_MEMBERS * 2048), mode="r:") as archive:  # type: ignore[call-overload]
            yield archive


class _Check:
    """Adds up what an archive's members say, and refuses."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._total = 0
        self._count = 0
        self._names: set[str] = set()
        self.members: list[Member] = []

    def add(self, name: str, size: int, is_folder: bool) -> bool:
        """True for a file. Raises Invalid."""
        relative = _relative(self._path, name)
        self._count += 1
        self._total += size
        if self._count > MOST_MEMBERS:
            raise refusal(self._path, f"it has more than {MOST_MEMBERS} members")
        if size < 0 or self._total > self._most:
            raise refusal(self._path, f"it unpacks to more than {self._most >> 20} MiB, which its own size does not explain")
        if is_folder or relative == ".":
            return False
        # One name in two spellings is one file on some file systems.
        key = unicodedata.normalize("NFC", relative).casefold()
        if key in self._names:
            raise refusal(self._path, f"{_shown(name)} is in it twice")
        self._names.add(key)
        self.members.append(Member(relative, size))
        return True


def _relative(path: Path, name: str) -> str:
    """The name as a path below a folder. Raises Invalid for any other."""
    pure = PurePosixPath(name)
    if (
        not name
        or pure.is_absolute()
        or ".." in pure.parts
        or "\\" in name
        or (len(name) > 1 and name[1] == ":")
        or any(unicodedata.category(char) in ("Cc", "Cs") for char in name)
        or any(len(part.encode()) > 255 for part in pure.parts)
    ):
        raise refusal(path, f"the name {_shown(name)} leads out of the folder or cannot be a file's")
    return str(pure)


def _write(path: Path, source: IO[bytes], folder: Path, member: Member) -> None:
    target = folder / member.name
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("xb") as file:
            left = member.size
            while piece := source.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise refusal(path, f"{_shown(member.name)} is longer than it says")
                file.write(piece)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise refusal(path, f"{_shown(member.name)} is both a file and a folder") from error
    if left:
        raise refusal(path, f"{_shown(member.name)} is cut off")


_KINDS = {stat.S_IFLNK: "a symbolic link", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFIFO: "a pipe"}


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return f"a link (to {_shown(info.linkname)})"
    return "a device" if info.ischr() or info.isblk() else "a pipe" if info.isfifo() else "no plain file"


def _shown(name: str) -> str:
    return repr(name[:120])

"""Where an input channel comes from: one URI, looked at once."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_slml.domain.names import new_id

#: What a store may say of a version of a file. Size alone proves nothing.
_STAMPS = (
    "ETag",
    "etag",
    "mtime",
    "LastModified",
    "last_modified",
    "created",
    "updated",
    "generation",
    "md5Hash",
    "VersionId",
)
#: A question mark belongs to the address of a web page.
_WEB = ("http", "https")


class InputFailed(Exception):
    """A channel cannot be read. The text names channel, URI, problem and remedy."""

    def __init__(self, channel: str, uri: str, problem: str, remedy: str) -> None:
        super().__init__(f"The input {channel!r} ({uri}) cannot be read: {problem}. {remedy}")


class Unwanted(Exception):
    """Whoever waited for a transfer does not want it any more."""


@dataclass(frozen=True)
class Part:
    """One file of a source: its path in the file system, its place below the channel, what is known of its version."""

    path: str
    place: str
    size: int | None
    stamp: str | None


@dataclass(frozen=True)
class Source:
    channel: str
    uri: str
    fs: Any
    #: `file`, `directory` or `glob`.
    kind: str
    parts: tuple[Part, ...]
    #: Whether it lies on this host's disks and needs no copy.
    in_place: bool

    @property
    def size(self) -> int:
        return sum(part.size or 0 for part in self.parts)

    @property
    def key(self) -> str:
        """The same for the same URI with the same content. A source whose store gives no versions is new each time."""
        versions = [[part.place, part.size, part.stamp or new_id("version")] for part in self.parts]
        return hashlib.sha256(json.dumps([self.uri, versions]).encode()).hexdigest()[:32]


def resolve(channel: str, uri: str) -> Source:
    """Find what `uri` names: a file, a directory or the files that a glob matches. Raises InputFailed."""
    from fsspec.core import url_to_fs
    from fsspec.implementations.local import LocalFileSystem

    with explained(channel, uri):
        plain = "://" not in uri and "::" not in uri
        path = str(Path(uri).expanduser()) if plain else uri
        if plain and not path.startswith("/"):
            raise InputFailed(channel, uri, "the path is relative, and the worker has no notebook", "Give the whole path.")
        fs, path = url_to_fs(path)
        is_local = type(fs) is LocalFileSystem
        magic = r"\*" if set(_protocols(fs)) & set(_WEB) else r"[*?\[]"
        if re.search(magic, path) and not (is_local and os.path.lexists(path)):
            kind, parts = "glob", _matches(fs, path)
            if not parts:
                raise InputFailed(channel, uri, "it matches no file", "Correct the pattern, or make the files first.")
        else:
            info = fs.info(path)
            kind = "directory" if info["type"] == "directory" else "file"
            parts = _below(fs, path) if kind == "directory" and not is_local else (_part(info, PurePosixPath(path).name),)
        for part in parts:
            if part.place.startswith("/") or ".." in PurePosixPath(part.place).parts:
                raise InputFailed(channel, uri, f"the name {part.place!r} leads out of the channel", "Rename the file.")
        if is_local:
            _check_readable(channel, uri, parts)
        return Source(channel, uri, fs, kind, parts, is_local)


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _part(info: Mapping[str, Any], place: str) -> Part:
    stamp = [str(info[name]) for name in _STAMPS if info.get(name) is not None]
    return Part(str(info["name"]), place, info.get("size"), "/".join(stamp) or None)


def _below(fs: Any, folder: str, root: str | None = None) -> tuple[Part, ...]:
    root = (folder if root is None else root).rstrip("/") + "/"
    found = fs.find(folder, detail=True)
    return tuple(_part(info, name.removeprefix(root)) for name, info in sorted(found.items()))


def _matches(fs: Any, pattern: str) -> tuple[Part, ...]:
    """Files that match, and what lies below the directories that match; places are relative to the fixed part."""
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    root = fixed[: fixed.rfind("/") + 1]
    parts: list[Part] = []
    for name, info in sorted(fs.glob(pattern, detail=True).items()):
        if info["type"] == "directory":
            parts += _below(fs, name, root)
        else:
            parts.append(_part(info, name.removeprefix(root)))
    return tuple({part.place: part for part in parts}.values())


def _check_readable(channel: str, uri: str, parts: tuple[Part, ...]) -> None:
    closed = next((part.path for part in parts if not os.access(part.path, os.R_OK)), None)
    if closed is not None:
        raise InputFailed(channel, uri, f"the worker may not read {closed}", "Give this user the right to read it.")


@contextmanager
def explained(channel: str, uri: str) -> Iterator[None]:
    """What goes wrong in a file system of whatever kind, as InputFailed."""
    try:
        yield
    except (InputFailed, Unwanted):
        raise
    except FileNotFoundError as error:
        raise InputFailed(channel, uri, "it does not exist", "Correct the URI, or make the file first.") from error
    except PermissionError as error:
        remedy = "Give the worker's host the rights (for a cloud store: its usual credentials)."
        raise InputFailed(channel, uri, f"access is denied ({_first(error)})", remedy) from error
    except ImportError as error:
        remedy = "Install the package that the message names on the workers, then restart them."
        raise InputFailed(channel, uri, f"its file system is not installed ({_first(error)})", remedy) from error
    except Exception as error:
        if isinstance(error, ValueError) and "rotocol" in str(error):
            remedy = "Use a path, file://, https://, s3://, gs://, az:// or another scheme that fsspec knows."
            raise InputFailed(channel, uri, f"its scheme is unknown ({_first(error)})", remedy) from error
        remedy = "Try to open the URI with fsspec on the worker's host."
        raise InputFailed(channel, uri, f"{type(error).__name__}: {_first(error)}", remedy) from error


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")

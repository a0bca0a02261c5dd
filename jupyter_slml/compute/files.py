"""Files that a cell left in its output directory, on their way into the store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.ports.blobs import Blobs

MOST_FILES = 1000
MOST_BYTES = 16 * 2**30
#: Names that are told one by one among those that stay behind.
TOLD = 20


def bring(blobs: Blobs, folder: Path) -> tuple[list[Artifact], dict[str, str]]:
    """Store the regular files below `folder`, in the order of their names, within the bounds.

    Returns the artifacts, and what stays behind with the reason. Links are refused: they may lead to anything that this
    user can read. Call it when no process of the attempt is left. Raises StorageFull, Unavailable.
    """
    found: list[Artifact] = []
    behind: dict[str, str] = {}
    left = MOST_BYTES
    for path, name in _below(folder):
        status = path.lstat()
        why = _refusal(name, status, len(found), left)
        if why is None:
            digest, size = blobs.add_file(path)
            left -= size
            found.append(Artifact(name=name, format="file", digest=digest, size=size, type="file"))
        elif len(behind) < TOLD:
            behind[f"output_dir/{_printable(name)}"] = why
        else:
            behind["output_dir"] = f"more than {TOLD} files stay behind; the first are named"
    return found, behind


def _refusal(name: str, status: os.stat_result, count: int, left: int) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link; copy the file itself into slml.output_dir"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if name != _printable(name):
        return "its name is not valid UTF-8, or has control characters"
    if count >= MOST_FILES:
        return f"one of more than {MOST_FILES} files; pack them into an archive"
    if status.st_size > left:
        return f"all files together may have {MOST_BYTES >> 30} GiB"
    return None


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Everything but directories, with its relative POSIX path. A link to a directory is one thing, not a way."""
    for parent, folders, files in os.walk(folder, followlinks=False):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders.sort()
        for name in sorted([*files, *links]):
            path = Path(parent, name)
            yield path, path.relative_to(folder).as_posix()


def _printable(name: str) -> str:
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)

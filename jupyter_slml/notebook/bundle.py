"""The zip of local modules and named files that travels with a cell. Same files, same bytes: it is shipped once."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from jupyter_slml.domain.specs import SourceBundle
from jupyter_slml.errors import CaptureError

#: Upper bound of all files together.
MAX_BYTES = 100 * 2**20


def named_files(strings: Iterable[str], directory: Path) -> dict[str, Path]:
    """Existing files that the strings name by a path relative to `directory`, and files of folders named with a slash."""
    found: dict[str, Path] = {}
    for text in strings:
        if not 0 < len(text) < 1024 or "\n" in text or "\0" in text or text.startswith(("/", "~")):
            continue
        relative = os.path.normpath(text)
        if relative.startswith("..") or relative == ".":
            continue
        path = directory / relative
        try:
            if path.is_file():
                found[relative] = path
            elif "/" in text and path.is_dir():
                found |= {str(Path(relative) / file.relative_to(path)): file for file in tree(path)}
        except OSError:  # a text that is no possible path
            continue
    return found


def tree(folder: Path) -> list[Path]:
    """The files below a folder, hidden ones and caches left out; nothing for what is no folder."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and not any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(folder).parts)
    ]


def check_size(files: Mapping[str, Path]) -> None:
    """Raise CaptureError when the files are too large together, naming the largest."""
    sizes = {name: path.stat().st_size for name, path in files.items()}
    total = sum(sizes.values())
    if total > MAX_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise CaptureError(
            f"The files that the cell names take {total / 2**20:.0f} MiB, at most {MAX_BYTES // 2**20} MiB may travel with "
            f"it; the largest is {largest!r} ({sizes[largest] / 2**20:.0f} MiB).",
            field="files",
            value=largest,
            remedy="Name the large file by its absolute path (workers must reach it), "
            "or load it above and let the cell read the variable.",
        )


def write_bundle(files: Mapping[str, Path], file: IO[bytes]) -> SourceBundle:
    """Write the zip: sorted names, fixed times and modes. Raises CaptureError when a file cannot be read."""
    check_size(files)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            try:
                archive.writestr(entry, files[name].read_bytes(), compresslevel=1)
            except OSError as error:
                raise CaptureError(
                    f"The file {name!r} cannot be read: {error.strerror}.",
                    field="files",
                    value=name,
                    remedy="The cell names it, so it travels with the job: make it readable, or remove it.",
                ) from error
    digest, size = measure(file)
    return SourceBundle(digest=digest, size=size, files=sorted(files))


def measure(file: IO[bytes]) -> tuple[str, int]:
    """SHA-256 and length of what was written so far; the file is left at its beginning."""
    file.flush()
    size = file.tell()
    file.seek(0)
    seen = hashlib.sha256()
    while block := file.read(2**20):
        seen.update(block)
    file.seek(0)
    return seen.hexdigest(), size

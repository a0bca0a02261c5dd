"""`--files PATH…`: files, folders and patterns that travel with the cell, by the path under which the job finds them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path

from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.bundle import tree

_PATTERN = re.compile(r"[*?\[]")


def asked_files(words: Iterable[str], directory: Path) -> dict[str, Path]:
    """Path in the job → file. What lies below `directory` keeps its relative path, anything else comes by its last name.

    Raises Invalid for a word that names nothing, and for two files that would lie under one path.
    """
    found: dict[str, Path] = {}
    for word in words:
        for path in _matches(word, directory):
            for name, file in _named(path, directory).items():
                if name in found and not found[name].samefile(file):
                    raise Invalid(
                        f"--files {word}: {found[name]} and {file} would both be {name!r} in the job.",
                        field="--files",
                        value=word,
                        remedy="Rename one of them, or send the folder that holds it.",
                    )
                found[name] = file
    return found


def _matches(word: str, directory: Path) -> list[Path]:
    path = directory / Path(word).expanduser()
    if path.exists():
        paths = [path]
    elif _PATTERN.search(word):
        paths = [Path(item) for item in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 — absolute
    else:
        paths = []
    if not any(item.is_file() or tree(item) for item in paths):
        what = (
            "holds no files"
            if paths
            else "no file matches it"
            if _PATTERN.search(word)
            else "there is no such file or folder"
        )
        raise Invalid(
            f"--files {word}: {what}.",
            field="--files",
            value=word,
            remedy=f"Relative paths count from the kernel's working directory, {directory}.",
        )
    return paths


def _named(path: Path, directory: Path) -> dict[str, Path]:
    # By name, not resolved: a link below the directory is what the cell calls it.
    relative = os.path.relpath(path, directory)
    name = Path(Path(os.path.normpath(path)).name) if relative.startswith("..") else Path(relative)
    if path.is_file():
        return {str(name): path}
    return {str(name / file.relative_to(path)): file for file in tree(path)}

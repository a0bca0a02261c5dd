"""`slml.inputs` inside a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_slml.errors import NotFound


class StreamedInput:
    """An input that is read where it is: `.list()` names its files, `.open()` opens one of them (or the only one)."""

    def __init__(self, uri: str, kind: str) -> None:
        self.uri = uri
        self.kind = kind

    def __repr__(self) -> str:
        return f"<input {self.kind} {self.uri}>"

    def list(self) -> list[str]:
        """Names of the files, relative to the directory or to the fixed part of the glob."""
        return sorted(self._parts())

    def open(self, name: str | None = None, mode: str = "rb", **options: Any) -> Any:
        """Open a file for reading. Raises NotFound for a name that is not there, or for none where there are several."""
        if "r" not in mode or "+" in mode:
            raise ValueError(f"an input is read-only; mode {mode!r} would write")
        parts = self._parts()
        if name is None and len(parts) == 1:
            name = next(iter(parts))
        if name not in parts:
            some = ", ".join(sorted(parts)[:5])
            raise NotFound(
                f"The input {self.uri} has no file {name!r}." if name else f"The input {self.uri} has {len(parts)} files.",
                field="name",
                value=name,
                remedy=f"Open one of them: {some}{', …' if len(parts) > 5 else ''}.",
            )
        fs, path = parts[name]
        return fs.open(path, mode, **options)

    def _parts(self) -> dict[str, tuple[Any, str]]:
        from jupyter_slml.compute.source import resolve

        source = resolve("inputs", self.uri)
        if source.kind == "directory" and source.in_place:
            # Not listed when it was resolved: in place, a directory is one path.
            root = Path(source.parts[0].path)
            return {path.relative_to(root).as_posix(): (source.fs, str(path)) for path in root.rglob("*") if path.is_file()}
        return {part.place: (source.fs, part.path) for part in source.parts}


class Inputs(dict[str, "Path | StreamedInput"]):
    """By channel: a path (file mode) or a StreamedInput."""

    def __missing__(self, name: str) -> Path:
        raise NotFound(
            f"The job has no input {name!r}.",
            field="input",
            value=name,
            remedy=f"Its inputs: {', '.join(self)}." if self else f"Give one: --input {name}=URI.",
        )


def read_manifest(path: str | None) -> Inputs:
    """What the runner has brought."""
    if path is None:
        return Inputs()
    manifest: Mapping[str, Mapping[str, str]] = json.loads(Path(path).read_bytes())
    return Inputs(
        {
            channel: Path(item["path"]) if "path" in item else StreamedInput(item["uri"], item["kind"])
            for channel, item in manifest.items()
        }
    )

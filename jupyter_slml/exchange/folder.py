"""The export that keeps everything: the artifact as it is stored, and the records as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_slml.domain.records import Version
from jupyter_slml.domain.views import VersionView
from jupyter_slml.errors import Invalid

RECORD = "slml.json"
ARTIFACT = "artifact"
BASELINE = "baseline.json"
EVIDENCE = "evidence.json"
TRANSITIONS = "transitions.json"

_MOST = 64 * 2**20
_STANDING = ("stage", "approval", "aliases")


def write(version: VersionView, artifact: Path, target: Path, extras: dict[str, Any]) -> None:
    """Fill the empty directory `target`. `extras` are further JSON documents by file name; bytes are written as they are."""
    shutil.copyfile(artifact, target / ARTIFACT)
    (target / RECORD).write_text(version.model_dump_json(indent=2))
    for name, value in extras.items():
        data = value if isinstance(value, bytes) else json.dumps(value, indent=2).encode()
        (target / name).write_bytes(data)


def read(path: Path) -> Version:
    """The record. Raises Invalid when it is none."""
    record = path / RECORD
    try:
        if record.stat().st_size > _MOST or record.is_symlink() or (path / ARTIFACT).is_symlink():
            raise ValueError("it is too large, or a link")
        found = json.loads(record.read_bytes())
        return Version.model_validate({key: value for key, value in found.items() if key not in _STANDING})
    except (ValueError, ValidationError, AttributeError, OSError) as error:
        raise Invalid(
            f"{RECORD} in {path.name!r} is no record of a version: {str(error).splitlines()[0][:200]}.",
            field="path",
            value=path.name,
            remedy="Export it again.",
        ) from error

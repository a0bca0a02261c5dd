"""From a version and its stored bytes to a directory or a file for another system."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal, get_args

from jupyter_slml.domain import formats
from jupyter_slml.domain.views import VersionView
from jupyter_slml.errors import Conflict, Invalid
from jupyter_slml.exchange import child, folder, kserve, mlflow

Kind = Literal["mlflow", "onnx", "kserve", "xgboost", "dir"]
KINDS: tuple[str, ...] = get_args(Kind)

#: Ends of the names of those that are one file.
_FILES = {"onnx": ".onnx", "xgboost": ".ubj"}


def default_path(version: VersionView, kind: str) -> Path:
    """Where an export goes when nobody says: in the working directory, named after the bytes."""
    return Path(f"{kind}-{version.digest[:12]}{_FILES.get(kind, '')}")


def write(
    version: VersionView,
    artifact: Path,
    target: Path,
    kind: str,
    *,
    uri: str | None = None,
    extras: dict[str, Any] | None = None,
    allow_pickle: bool = False,
) -> Path:
    """Write a version to `target`, which must not exist; returns it. All of it is there afterwards, or nothing.

    `artifact` holds the stored bytes. Raises Conflict for a target that exists, IntegrityError for other bytes than were
    registered, Invalid for a pair of format and kind that does not go, MissingDependency.
    """
    if kind not in KINDS:
        raise Invalid(
            f"--to {kind}: there is no such kind of export.",
            field="--to",
            value=kind,
            remedy=f"Kinds: {', '.join(KINDS)}.",
        )
    if target.exists() or target.is_symlink():
        raise Conflict(
            f"{str(target)!r} exists already.", field="path", value=str(target), remedy="Name another path, or delete it."
        )
    formats.verify(artifact, version.digest)
    if version.format in formats.PICKLE_FORMATS and kind != "dir" and not allow_pickle:
        raise Invalid(
            f"{version.reference} is stored as a pickle, which runs code where it is loaded.",
            field="--allow-pickle",
            value=version.reference,
            remedy="Pass --allow-pickle if the other side shall load it; or export it as dir.",
        )
    if not target.parent.is_dir():
        raise Invalid(f"There is no directory {str(target.parent)!r}.", field="path", value=str(target.parent))
    # Beside the target, so that moving it there is one step.
    with tempfile.TemporaryDirectory(prefix=".slml-export-", dir=target.parent) as name:
        made = Path(name) / "made"
        if kind in _FILES:
            _write_file(version, artifact, made, kind, target)
        else:
            made.mkdir()
            match kind:
                case "mlflow":
                    mlflow.write(version, artifact, made)
                case "kserve":
                    kserve.write(version, artifact, made, uri)
                case _:
                    folder.write(version, artifact, made, extras or {})
        made.rename(target)
    return target


def _write_file(version: VersionView, artifact: Path, made: Path, kind: str, target: Path) -> None:
    if kind == "xgboost":
        if version.format != formats.XGBOOST.key:
            raise Invalid(
                f"{version.reference} is no xgboost model: it is stored as {version.format}.",
                field="--to",
                value="xgboost",
                remedy="Export it as mlflow, onnx or dir.",
            )
        if target.suffix.lower() not in (".ubj", ""):
            raise Invalid(
                f"xgboost would take {target.name!r} for another kind of file than it is.",
                field="path",
                value=target.name,
                remedy="Let the name end in .ubj.",
            )
        shutil.copyfile(artifact, made)
        return
    if version.format == formats.ONNX.key:
        shutil.copyfile(artifact, made)
        return
    if version.format not in (formats.XGBOOST.key, formats.LIGHTGBM.key, formats.SKOPS.key):
        raise Invalid(
            f"A model stored as {version.format} is not converted to ONNX.",
            field="--to",
            value="onnx",
            remedy="Export it as dir; a graph that a job's cell makes can be registered.",
        )
    order = {
        "op": "convert",
        "path": str(artifact.resolve()),
        "kind": version.format,
        "signature": version.signature,
        "out": str(made.resolve()),
    }
    with tempfile.TemporaryDirectory(prefix="slml-") as work:
        child.ask(order, Path(work))

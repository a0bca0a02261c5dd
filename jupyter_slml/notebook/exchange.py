"""`%export` and `%import`: models of the registry out to other systems, and theirs in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import Name
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.magic import Cell, Magic, Text
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.version import Version

if TYPE_CHECKING:
    from jupyter_slml.client import Client
    from jupyter_slml.domain.views import VersionView


class ExportLine(Frozen):
    model: str = Field(
        description="NAME, NAME@VERSION, NAME@ALIAS or NAME@STAGE.",
        json_schema_extra={"positional": True, "metavar": "MODEL"},
    )
    path: str | None = Field(
        default=None,
        description="Where to write it; nothing may be there yet. Unset: in the working directory, named after its bytes.",
        json_schema_extra={"positional": True, "metavar": "PATH"},
    )
    to: Literal["mlflow", "onnx", "kserve", "xgboost", "dir"] = Field(
        default="dir",
        description="mlflow: a model directory. onnx, xgboost: one file. kserve: a manifest and the model in its layout. "
        "dir: everything that is known of it.",
        json_schema_extra={"flags": ["--to"], "metavar": "KIND"},
    )
    uri: str | None = Field(
        default=None,
        description="With kserve: where its cluster will find the model directory (s3://…, pvc://…).",
        json_schema_extra={"flags": ["--uri"], "metavar": "URI"},
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow a model that is stored as a pickle, which runs code where it is loaded.",
        json_schema_extra={"flags": ["--allow-pickle"]},
    )


class ImportLine(Frozen):
    path: str = Field(
        description="An MLflow directory, a SageMaker model.tar.gz, a directory with handlers, an export of ours, or a file "
        "of xgboost, skops, lightgbm or ONNX.",
        json_schema_extra={"positional": True, "metavar": "PATH"},
    )
    model: Name = Field(description="Name of the model.", json_schema_extra={"flags": ["--as"], "metavar": "MODEL"})
    description: str = Field(
        default="",
        description="What people should know of it.",
        json_schema_extra={"flags": ["--description"], "metavar": "TEXT"},
    )
    tags: dict[str, str] = Field(
        default_factory=dict,
        description="A tag. May be repeated.",
        json_schema_extra={"flags": ["--tag"], "metavar": "NAME=TEXT"},
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow a pickle, which runs code when it is loaded: it is loaded in a process of its own, and stored "
        "without pickle where that is possible.",
        json_schema_extra={"flags": ["--allow-pickle"]},
    )


def give(client: Client, line: ExportLine) -> Path:
    """Export a version; returns where it lies. Raises NotFound, Invalid, Conflict, MissingDependency."""
    from jupyter_slml.exchange import exports, folder

    version = client.models.resolve(line.model)
    target = exports.default_path(version, line.to) if line.path is None else Path(line.path).expanduser()
    extras: dict[str, Any] = {}
    if line.to == "dir":
        extras = {
            folder.EVIDENCE: _dumped(client.models.evidence(version.model, version.number).evidence),
            folder.TRANSITIONS: _dumped(client.models.transitions(version.model, version.number).transitions),
        }
        if version.baseline is not None:
            # The very bytes, so that they keep their digest when they come in again.
            extras[folder.BASELINE] = client.blobs.get(version.baseline)
    with tempfile.NamedTemporaryFile(prefix="slml-") as file:
        client.blobs.fetch(version.digest, file)
        file.flush()
        return exports.write(
            version,
            Path(file.name),
            target,
            line.to,
            uri=line.uri,
            extras=extras,
            allow_pickle=line.allow_pickle,
        )


def _dumped(records: list[Any]) -> list[Any]:
    return [record.model_dump(mode="json") for record in records]


def take(client: Client, line: ImportLine) -> VersionView:
    """Register what lies at a path. It is read in a process of its own; the registry hears of it when its bytes are stored.

    Raises NotFound, Invalid, MissingDependency, StorageFull.
    """
    from jupyter_slml.domain.specs import ImportSpec
    from jupyter_slml.exchange import imports
    from jupyter_slml.exchange.packages import digest

    if "://" in line.path:
        raise Invalid(
            f"{line.path!r} is an address, and %import reads files of this machine.",
            field="path",
            value=line.path,
            remedy="Download it first.",
        )
    with tempfile.TemporaryDirectory(prefix="slml-") as name:
        package = imports.read(Path(line.path).expanduser(), Path(name), allow_pickle=line.allow_pickle)
        found = package.digest
        client.blobs.put(found, package.path)
        counts = None
        if package.baseline is not None:
            counts = digest(package.baseline)
            client.blobs.put(counts, package.baseline)
        spec = ImportSpec.parse(
            {
                "model": line.model,
                "digest": found,
                "size": package.path.stat().st_size,
                "format": package.format,
                "type": package.type,
                "signature": package.signature,
                "baseline": counts,
                "metrics": package.metrics,
                "parameters": package.parameters,
                "environment": package.environment,
                "source": package.source,
                "description": line.description or package.description,
                "tags": {**package.tags, **line.tags},
                "allow_pickle": line.allow_pickle,
            }
        )
        return client.models.take(spec)


def _export(session: Session, line: ExportLine, cell: Cell) -> Text:
    return Text(f"{line.model} lies in {give(session.client, line)}")


def _import(session: Session, line: ImportLine, cell: Cell) -> Version:
    return Version(session, take(session.client, line))


_EXPORT = Options(
    "%export",
    ExportLine,
    "Write a version for another system: MLflow, ONNX, KServe, xgboost, or everything that is known of it.",
    "%export churn@7 --to mlflow\n%export churn@production churn.onnx --to onnx",
)
_IMPORT = Options(
    "%import",
    ImportLine,
    "Register a model that was made elsewhere.",
    "%import mlruns/1/models/m-1f3a/artifacts --as churn\n%import model.tar.gz --as churn",
)

MAGICS = (Magic("export", "line", _EXPORT, _export), Magic("import", "line", _IMPORT, _import))

"""`%models` and `%register`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.specs import RegisterSpec
from jupyter_slml.notebook.catalogue import find
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table, human_size

if TYPE_CHECKING:
    from jupyter_slml.domain.records import Version


class ModelLine(Frozen):
    model: str | None = Field(
        default=None,
        description="Show the versions of this model. Unset: every model with its newest version.",
        json_schema_extra={"positional": True, "metavar": "MODEL"},
    )


class RegisterLine(Frozen):
    model: str = Field(description="Name of the model.", json_schema_extra={"positional": True, "metavar": "MODEL"})
    job: str | None = Field(
        default=None,
        description="Id or name of the job. Unset: the job that this notebook submitted last.",
        json_schema_extra={"flags": ["--job", "-j"], "metavar": "JOB"},
    )
    output: str | None = Field(
        default=None,
        description="Which output. Unset: the only model among them.",
        json_schema_extra={"flags": ["--output", "-o"], "metavar": "VARIABLE"},
    )
    description: str = Field(
        default="",
        description="What people should know of it.",
        json_schema_extra={"flags": ["--description"], "metavar": "TEXT"},
    )


class VersionView:
    """A registered version in a notebook; its record's fields are attributes."""

    def __init__(self, record: Version) -> None:
        self.record = record

    def __getattr__(self, name: str) -> object:
        return getattr(self.record, name)

    def _table(self) -> Table:
        record = self.record
        signature = record.signature or {}
        columns = signature.get("columns")
        rows: list[list[object]] = [
            ["version", record.reference],
            ["type", f"{record.type} ({record.format}, {human_size(record.size)})"],
            ["task", signature.get("task")],
            ["columns", ", ".join(map(str, columns)) if isinstance(columns, list) else signature.get("features")],
            ["metrics", ", ".join(f"{name} = {value:.6g}" for name, value in record.metrics.items())],
            ["job", f"{record.job}, output {record.output}" if record.job else record.source],
            ["sha256", record.digest],
        ]
        return Table(["", ""], [row for row in rows if row[1]])

    def __repr__(self) -> str:
        return f"<model {self.record.reference}: {self.record.type}, from {self.record.job}>"

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()


def register(session: Session, model: str, job: str | None, output: str | None, description: str = "") -> VersionView:
    """Register an output of a succeeded job. Raises NotFound, Conflict, Invalid."""
    spec = RegisterSpec.parse({"model": model, "job": find(session, job).id, "output": output, "description": description})
    return VersionView(session.client.models.register(spec))


def list_models(session: Session) -> Table:
    rows = [_row(item.latest, item.name) for item in session.client.models.list().models]
    columns = ["model", "newest", "type", "metrics", "job", "registered at"]
    return Table(columns, rows, empty="No models. `%%train --register NAME` registers one.")


def list_versions(session: Session, name: str) -> Table:
    """Raises NotFound."""
    versions = session.client.models.get(name).versions
    rows = [_row(version, version.model) for version in sorted(versions, key=lambda item: -item.number)]
    return Table(["model", "version", "type", "metrics", "job", "registered at"], rows)


def _row(version: Version, name: str) -> list[str]:
    metrics = ", ".join(f"{key} {value:.6g}" for key, value in version.metrics.items())
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(version.created_at))
    return [name, str(version.number), version.type, metrics, version.job or version.source, at]


def _models(session: Session, line: ModelLine, cell: Cell) -> Table:
    return list_models(session) if line.model is None else list_versions(session, line.model)


def _register(session: Session, line: RegisterLine, cell: Cell) -> VersionView:
    return register(session, line.model, line.job, line.output, line.description)


MAGICS = (
    Magic("models", "line", Options("%models", ModelLine, "List models, or the versions of one.", "%models churn"), _models),
    Magic(
        "register",
        "line",
        Options(
            "%register", RegisterLine, "Register a job's model as a new version.", "%register churn --job churn -o model"
        ),
        _register,
    ),
)

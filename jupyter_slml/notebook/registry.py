"""`slml.models`: the registry in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_slml.notebook import models, promote
from jupyter_slml.notebook.difference import Difference
from jupyter_slml.notebook.evaluations import EvaluateLine, evaluate
from jupyter_slml.notebook.exchange import ExportLine, ImportLine, give, take
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.modelcard import ModelCard
from jupyter_slml.notebook.promotion import Promotion
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table
from jupyter_slml.notebook.version import Version


class Models:
    """`slml.models`. A model is named as everywhere: `churn@7`, `churn@production`, `churn@champion`, or `churn` for the
    newest approved version, else the newest; a version's handle does as well."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def register(
        self,
        model: str,
        job: str | JobHandle | None = None,
        output: str | None = None,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        allow_pickle: bool = False,
    ) -> Version:
        """Register an output of a succeeded job as a new version. Raises NotFound, Conflict, Invalid."""
        name = job.id if isinstance(job, JobHandle) else job
        return models.register(self._session, model, name, output, description, tags, allow_pickle)

    def export(self, model: str, to: str, path: str | None = None, **options: Any) -> Path:
        """Write a version for another system (`mlflow`, `onnx`, `kserve`, `xgboost`, or `dir` for all of it).

        `options`: `uri=`, `allow_pickle=`. Raises NotFound, Invalid, Conflict, MissingDependency.
        """
        name = promote.reference(model)
        return give(self._session.client, ExportLine.parse({"model": name, "to": to, "path": path, **options}))

    def import_(self, path: str | Path, model: str, **options: Any) -> Version:
        """Register a model that was made elsewhere: see `%import`.

        `options`: `description=`, `tags=`, `allow_pickle=`. Raises NotFound, Invalid, MissingDependency.
        """
        line = ImportLine.parse({"path": str(path), "model": model, **options})
        return Version(self._session, take(self._session.client, line))

    def evaluate(self, model: str, input: Any, target: str, *, wait: bool = True, **options: Any) -> JobHandle:
        """Measure a version on a table (a DataFrame, a file, a URI); the job's metrics and figures become evidence for it.

        `options`: `name=`, `instance=`, `allow_pickle=`. Raises NotFound, Invalid, and with `wait` JobFailed.
        """
        name = promote.reference(model)
        line = EvaluateLine.parse({"model": name, "input": input, "target": target, "no_wait": not wait, **options})
        return evaluate(self._session, line)

    def get(self, model: str, version: int | None = None) -> Version:
        """The version that a reference means now, or the one with that number. Raises NotFound, Invalid."""
        return models.find_version(self._session, model if version is None else f"{model}@{version}")

    def versions(self, name: str) -> Table:
        """Raises NotFound."""
        return models.list_versions(self._session, name)

    def list(self) -> Table:
        return models.list_models(self._session)

    def log(self, model: str) -> Table:
        """The moves of a model or a version, newest first. Raises NotFound."""
        return models.list_moves(self._session, promote.reference(model))

    def diff(self, before: str, after: str) -> Difference:
        """What changed from one version to another. Raises NotFound, Invalid."""
        return models.diff(self._session, before, after)

    def card(self, model: str) -> ModelCard:
        """The model card of a version. Raises NotFound, Invalid."""
        return self.get(promote.reference(model)).card()

    def promote(self, model: str, to: str, gate: str | None = None, reason: str = "") -> Promotion:
        """Move a version to a stage, or point an alias at it, if the gate holds.

        Raises NotFound, Invalid, Conflict, and GateFailed, whose `detail["verdict"]` holds every term with its numbers.
        """
        return promote.promote(self._session, model, to, gate, reason)

    def approve(self, model: str, reason: str = "") -> Promotion:
        """Raises NotFound, Invalid."""
        return promote.decide(self._session, model, "approved", reason)

    def reject(self, model: str, reason: str = "") -> Promotion:
        """A rejected version goes neither to staging nor to production. Raises NotFound, Invalid."""
        return promote.decide(self._session, model, "rejected", reason)

    def rollback(self, model: str, to: str = "production", reason: str = "") -> Promotion:
        """Take back the last move of a stage or an alias. Raises NotFound, Conflict."""
        return promote.rollback(self._session, model, to, reason)

    def delete(self, model: str) -> None:
        """Delete a version. Raises NotFound, Invalid, and Conflict while something refers to it."""
        models.delete(self._session, promote.reference(model))

    def unalias(self, model: str) -> Promotion:
        """Take an alias (`churn@champion`) away. Raises NotFound, Invalid."""
        return models.unalias(self._session, model)

    def __repr__(self) -> str:
        return repr(self.list())

    def _repr_html_(self) -> str:
        return self.list()._repr_html_()

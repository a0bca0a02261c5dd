"""Verbs of models."""

from __future__ import annotations

import getpass
import hashlib
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.diffs import VersionDiff
from jupyter_slml.domain.specs import DecisionSpec, ImportSpec, PromoteSpec, RegisterSpec, RollbackSpec
from jupyter_slml.domain.views import EvidenceList, ModelDetail, ModelList, Moved, TransitionList, VersionView
from jupyter_slml.errors import IntegrityError


class Models:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> ModelList:
        """Every model with its newest version."""
        return self._transport.record(ModelList, "GET", "/models")

    def get(self, name: str) -> ModelDetail:
        return self._transport.record(ModelDetail, "GET", _path(name))

    def version(self, name: str, number: int) -> VersionView:
        return self._transport.record(VersionView, "GET", _path(name, number))

    def register(self, spec: RegisterSpec) -> VersionView:
        """Register an output of a succeeded job. Raises NotFound, Conflict, Invalid."""
        return self._transport.record(VersionView, "POST", "/models", json=spec.model_dump(mode="json"))

    def resolve(self, reference: str) -> VersionView:
        """The version that NAME, NAME@VERSION, NAME@STAGE or NAME@ALIAS means now. Raises NotFound, Invalid."""
        return self._transport.record(VersionView, "GET", "/references/resolve", params={"reference": reference})

    def take(self, spec: ImportSpec) -> VersionView:
        """Register bytes that lie in the store. Raises Invalid."""
        return self._transport.record(VersionView, "POST", "/models/import", json=spec.model_dump(mode="json"))

    def evidence(self, name: str, number: int) -> EvidenceList:
        """What was measured of a version, newest first. Raises NotFound."""
        return self._transport.record(EvidenceList, "GET", f"{_path(name, number)}/evidence")

    def transitions(self, name: str, number: int | None = None) -> TransitionList:
        """The moves of a model, or of one version of it, newest first. Raises NotFound."""
        params = {} if number is None else {"number": number}
        return self._transport.record(TransitionList, "GET", f"{_path(name)}/transitions", params=params)

    def diff(self, before: str, after: str) -> VersionDiff:
        """What changed from one version to another. Raises NotFound, Invalid."""
        params = {"before": before, "after": after}
        return self._transport.record(VersionDiff, "GET", "/references/diff", params=params)

    def promote(self, model: str, to: str, *, gate: str | None = None, reason: str = "") -> Moved:
        """Move a version to a stage, or point an alias at it. Raises NotFound, Invalid, Conflict, GateFailed."""
        spec = PromoteSpec.parse({"model": model, "to": to, "gate": gate, "reason": reason, "actor": _me()})
        return self._moved("/models/promote", spec.model_dump(mode="json"))

    def decide(self, model: str, approval: Literal["approved", "rejected", "pending"], *, reason: str = "") -> Moved:
        """Approve or reject a version. Raises NotFound, Invalid."""
        spec = DecisionSpec.parse({"model": model, "approval": approval, "reason": reason, "actor": _me()})
        return self._moved("/models/decide", spec.model_dump(mode="json"))

    def rollback(self, model: str, to: str = "production", *, reason: str = "") -> Moved:
        """Take back the last move of a stage or an alias. Raises NotFound, Invalid, Conflict."""
        # A request that is sent again because its answer was lost must not take back one move more.
        seen = next((line.id for line in self.transitions(model).transitions), 0)
        spec = RollbackSpec.parse({"model": model, "to": to, "seen": seen, "reason": reason, "actor": _me()})
        return self._moved("/models/rollback", spec.model_dump(mode="json"))

    def remove_alias(self, model: str, alias: str, *, reason: str = "") -> Moved:
        """Take an alias away. Raises NotFound."""
        params = {"reason": reason, "actor": _me()}
        return self._transport.record(Moved, "DELETE", f"{_path(model)}/aliases/{quote(alias, safe='')}", params=params)

    def delete(self, name: str, number: int) -> VersionView:
        """Delete a version. Raises NotFound, and Conflict while something refers to it."""
        return self._transport.record(VersionView, "DELETE", _path(name, number))

    def card(self, name: str, number: int) -> str:
        """The model card as a page of html. Raises NotFound."""
        return self._transport.request("GET", f"{_path(name, number)}/card").text

    def baseline(self, name: str, number: int) -> dict[str, Any]:
        """Counts per feature and prediction of the training data. Raises NotFound when there are none."""
        found: dict[str, Any] = self._transport.request("GET", f"{_path(name, number)}/baseline").json()
        return found

    def artifact(self, name: str, number: int, file: BinaryIO) -> str:
        """Write a version's bytes to `file`; returns their format. Raises NotFound, IntegrityError."""
        found = hashlib.sha256()
        with self._transport.stream(f"{_path(name, number)}/artifact") as response:
            for chunk in response.iter_bytes():
                found.update(chunk)
                file.write(chunk)
            expected = response.headers["X-Slml-Digest"]
            if found.hexdigest() != expected:
                raise IntegrityError(f"{name}@{number} arrived with another digest than {expected[:12]}….")
            return str(response.headers["X-Slml-Format"])

    def _moved(self, path: str, body: dict[str, Any]) -> Moved:
        return self._transport.record(Moved, "POST", path, json=body)


def _path(name: str, number: int | None = None) -> str:
    path = f"/models/{quote(name, safe='')}"
    return path if number is None else f"{path}/versions/{number}"


def _me() -> str:
    """Who acts: the user of this kernel or shell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""

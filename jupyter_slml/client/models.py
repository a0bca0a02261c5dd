"""Verbs of models."""

from __future__ import annotations

from urllib.parse import quote

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.specs import ImportSpec, RegisterSpec
from jupyter_slml.domain.views import EvidenceList, ModelDetail, ModelList, TransitionList, VersionView


class Models:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> ModelList:
        """Every model with its newest version."""
        return self._transport.record(ModelList, "GET", "/models")

    def get(self, name: str) -> ModelDetail:
        return self._transport.record(ModelDetail, "GET", f"/models/{quote(name, safe='')}")

    def version(self, name: str, number: int) -> VersionView:
        return self._transport.record(VersionView, "GET", f"/models/{quote(name, safe='')}/versions/{number}")

    def register(self, spec: RegisterSpec) -> VersionView:
        """Register an output of a succeeded job. Raises NotFound, Conflict, Invalid."""
        return self._transport.record(VersionView, "POST", "/models", json=spec.model_dump(mode="json"))

    def resolve(self, reference: str) -> VersionView:
        """The version that NAME, NAME@VERSION, NAME@STAGE or NAME@ALIAS means now. Raises NotFound, Invalid."""
        return self._transport.record(VersionView, "GET", "/models/resolve", params={"reference": reference})

    def take(self, spec: ImportSpec) -> VersionView:
        """Register bytes that lie in the store. Raises Invalid."""
        return self._transport.record(VersionView, "POST", "/models/import", json=spec.model_dump(mode="json"))

    def evidence(self, name: str, number: int) -> EvidenceList:
        """What was measured of a version, newest first. Raises NotFound."""
        return self._transport.record(EvidenceList, "GET", f"/models/{quote(name, safe='')}/versions/{number}/evidence")

    def transitions(self, name: str, number: int | None = None) -> TransitionList:
        """The moves of a model, or of one version of it, newest first. Raises NotFound."""
        params = {} if number is None else {"number": number}
        return self._transport.record(TransitionList, "GET", f"/models/{quote(name, safe='')}/transitions", params=params)

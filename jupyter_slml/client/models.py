"""Verbs of models."""

from __future__ import annotations

from urllib.parse import quote

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.records import Version
from jupyter_slml.domain.specs import RegisterSpec
from jupyter_slml.domain.views import ModelDetail, ModelList


class Models:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> ModelList:
        """Every model with its newest version."""
        return self._transport.record(ModelList, "GET", "/models")

    def get(self, name: str) -> ModelDetail:
        return self._transport.record(ModelDetail, "GET", f"/models/{quote(name, safe='')}")

    def version(self, name: str, number: int) -> Version:
        return self._transport.record(Version, "GET", f"/models/{quote(name, safe='')}/versions/{number}")

    def register(self, spec: RegisterSpec) -> Version:
        """Register an output of a succeeded job. Raises NotFound, Conflict, Invalid."""
        return self._transport.record(Version, "POST", "/models", json=spec.model_dump(mode="json"))

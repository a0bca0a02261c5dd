"""Verbs of tokens: who else may call endpoints."""

from __future__ import annotations

from urllib.parse import quote

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.specs import TokenSpec
from jupyter_slml.domain.views import NewToken, TokenList, TokenView


class Tokens:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> TokenList:
        return self._transport.record(TokenList, "GET", "/tokens")

    def make(self, spec: TokenSpec) -> NewToken:
        """A new token; its secret is in the answer and nowhere else. Raises NotFound, Invalid."""
        return self._transport.record(NewToken, "POST", "/tokens", json=spec.model_dump(mode="json"))

    def remove(self, key: str) -> TokenView:
        """Take a token back, by id or name. Raises NotFound, Conflict."""
        return self._transport.record(TokenView, "DELETE", f"/tokens/{quote(key, safe='')}")

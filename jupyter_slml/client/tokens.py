"""Verbs of tokens: who else may call endpoints."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.specs import TokenSpec
from jupyter_slml.domain.views import NewToken, TokenList, TokenView
from jupyter_slml.errors import Invalid
from jupyter_slml.settings import write_private


class Tokens:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> TokenList:
        return self._transport.record(TokenList, "GET", "/tokens")

    def make(self, spec: TokenSpec) -> NewToken:
        """A new token; its secret is in the answer and nowhere else. Raises NotFound, Invalid."""
        return self._transport.record(NewToken, "POST", "/tokens", json=spec.model_dump(mode="json"))

    def save(self, made: NewToken, path: str) -> None:
        """Write a new token's secret to a file that only its user can read. Raises Invalid when it cannot be written; the
        token is then taken back, for nobody has its secret."""
        try:
            write_private(Path(path), f"{made.secret}\n")
        except OSError as error:
            self.remove(made.id)
            raise Invalid(f"{path} cannot be written: {error.strerror}.", field="--to", value=path) from None

    def remove(self, key: str) -> TokenView:
        """Take a token back, by id or name. Raises NotFound, Conflict."""
        return self._transport.record(TokenView, "DELETE", f"/tokens/{quote(key, safe='')}")

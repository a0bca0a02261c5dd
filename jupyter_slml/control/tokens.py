"""Use cases of tokens: what callers of endpoints show to the gateway."""

from __future__ import annotations

import hashlib
import secrets

from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.records import Token
from jupyter_slml.domain.specs import TokenSpec
from jupyter_slml.domain.views import NewToken, TokenList, TokenView
from jupyter_slml.errors import Conflict, NotFound
from jupyter_slml.storage import endpoints
from jupyter_slml.storage import tokens as table
from jupyter_slml.storage.database import Database

#: Every endpoint.
ALL = "*"


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, spec: TokenSpec) -> NewToken:
        """A new token; its secret is in the answer and nowhere else. Raises NotFound for an endpoint that is not there."""
        secret = f"slml_{secrets.token_urlsafe(32)}"
        with self._database.write() as transaction:
            for name in spec.endpoints:
                if name != ALL:
                    endpoints.get(transaction.connection, name)
            token = Token(
                id=new_id("tok"),
                name=spec.name,
                digest=hashlib.sha256(secret.encode()).hexdigest(),
                endpoints=spec.endpoints,
                scopes=list(spec.scopes),
                created_at=transaction.now,
                expires_at=None if spec.lifetime is None else transaction.now + spec.lifetime,
            )
            table.add(transaction.connection, token)
            transaction.record("token.made", "token", token.id, {"token": _view(token).model_dump(mode="json")})
        return NewToken(**dict(_view(token)), secret=secret)

    def list(self) -> TokenList:
        with self._database.read() as connection:
            return TokenList(tokens=[_view(token) for token in table.every(connection)])

    def remove(self, key: str) -> TokenView:
        """Take a token back, by id or name. Raises NotFound, and Conflict for a name that several have."""
        with self._database.write() as transaction:
            found = table.find(transaction.connection, key)
            if not found:
                raise NotFound(f"There is no token {key!r}.", field="token", value=key, remedy="List them: `%tokens`")
            if len(found) > 1:
                raise Conflict(
                    f"{len(found)} tokens are called {key!r}.",
                    field="token",
                    value=key,
                    remedy=f"Name one by its id: {', '.join(token.id for token in found)}.",
                )
            view = _view(found[0])
            table.remove(transaction.connection, view.id)
            transaction.record("token.removed", "token", view.id, {"token": view.model_dump(mode="json")})
            return view


def _view(token: Token) -> TokenView:
    return TokenView(**token.model_dump(exclude={"digest"}))

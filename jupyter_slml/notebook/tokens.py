"""`%tokens`, and `slml.tokens`: who else may call endpoints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from pydantic import Field

from jupyter_slml.domain.specs import TokenOptions, TokenSpec
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table, moment

if TYPE_CHECKING:
    from jupyter_slml.domain.views import NewToken, TokenView

_VERBS = ("create", "delete")


class TokensLine(TokenOptions):
    words: list[str] = Field(
        default_factory=list,
        description="create NAME, or delete NAME (or its id). Unset: list the tokens.",
        json_schema_extra={"positional": True, "metavar": "VERB", "many": True},
    )
    to: str | None = Field(
        default=None,
        description="Write the secret to this file, which only you can read, in place of showing it.",
        json_schema_extra={"flags": ["--to"], "metavar": "FILE"},
    )


class Tokens:
    """`slml.tokens`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        name: str,
        endpoints: str | Sequence[str] = (),
        scopes: str | Sequence[str] = ("invoke",),
        expires: float | str | None = None,
    ) -> FreshToken:
        """A new token for callers of endpoints (all of them, or these); `.secret` is known to this object alone.

        `scopes`: "invoke" to predict, "metrics" to read the gateway's metrics; `expires`: seconds, or "12h", "30d".
        Raises NotFound for an endpoint that is not there, Invalid.
        """
        return FreshToken(create(self._session, name, _several(endpoints), _several(scopes), expires))

    def delete(self, token: str) -> None:
        """Take a token back, by name or id: the gateway refuses it from now on. Raises NotFound, Conflict."""
        self._session.client.tokens.remove(token)

    def list(self) -> Table:
        return list_tokens(self._session)

    def __repr__(self) -> str:
        return repr(self.list())

    def _repr_html_(self) -> str:
        return self.list()._repr_html_()


class FreshToken:
    """A token as it was made. `secret` is in no text of this object, so that no notebook keeps it by chance."""

    def __init__(self, made: NewToken) -> None:
        self.id, self.name, self.secret = made.id, made.name, made.secret
        self._words = f"token {made.name} ({made.id}): {_opens(made)}, {_expiry(made)}"

    def __repr__(self) -> str:
        return f"<{self._words}; .secret is what callers send>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a fresh token stays in the notebook: bind its `.secret` to send it somewhere")


class ShownSecret:
    """What `%tokens create` shows: the secret, this once."""

    def __init__(self, made: NewToken) -> None:
        self._made = made
        self._hint = (
            f"Token {made.name} ({made.id}): {_opens(made)}, {_expiry(made)}. It is shown this once, and a saved notebook "
            "keeps it: clear this output when you have copied it (--to FILE writes it to a file of yours instead)."
        )

    def __repr__(self) -> str:
        return f"{self._made.secret}\n{self._hint}"

    def _repr_html_(self) -> str:
        return f"<p><code>{escape(self._made.secret)}</code></p><p>{escape(self._hint)}</p>"


def create(
    session: Session, name: str, endpoints: Sequence[str], scopes: Sequence[str], lifetime: float | str | None
) -> NewToken:
    """Raises NotFound, Invalid."""
    given = {"name": name, "endpoints": list(endpoints) or ["*"], "scopes": list(scopes), "lifetime": lifetime}
    return session.client.tokens.make(TokenSpec.parse(given))


def list_tokens(session: Session) -> Table:
    rows = [
        [item.name, item.id, ", ".join(item.endpoints), ", ".join(item.scopes), moment(item.created_at), _expiry(item)]
        for item in session.client.tokens.list().tokens
    ]
    columns = ["token", "id", "endpoints", "scopes", "made at", "expires"]
    empty = "No tokens but the workspace's own, which opens everything. `%tokens create NAME` makes one for others."
    return Table(columns, rows, empty=empty)


def _opens(token: TokenView) -> str:
    where = "all endpoints" if "*" in token.endpoints else ", ".join(token.endpoints)
    return f"{' and '.join(token.scopes)} on {where}"


def _expiry(token: TokenView) -> str:
    if token.expires_at is None:
        return "never expires"
    return f"{'expired' if token.expires_at <= time.time() else 'expires'} {moment(token.expires_at)}"


def _several(words: str | Sequence[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)


def _tokens(session: Session, line: TokensLine, cell: Cell) -> Any:
    verb, *names = line.words or [""]
    if not verb:
        return list_tokens(session)
    if verb not in _VERBS or len(names) != 1:
        raise Invalid(
            f"%tokens {verb} takes one name, and {len(names)} are given."
            if verb in _VERBS
            else f"%tokens does not know {verb!r}.",
            field="VERB",
            value=" ".join(line.words),
            remedy="For example: %tokens create batch-job --endpoint churn --expires 30d, %tokens delete batch-job.",
        )
    if verb == "delete":
        gone = session.client.tokens.remove(names[0])
        return Table([], [], empty=f"Token {gone.name} ({gone.id}) is gone: the gateway refuses it from now on.")
    made = create(session, names[0], line.endpoints, line.scopes, line.lifetime)
    if line.to is None:
        return ShownSecret(made)
    session.client.tokens.save(made, line.to)
    return Table(
        [], [], empty=f"Token {made.name} ({made.id}): {_opens(made)}, {_expiry(made)}. The secret is in {line.to}."
    )


_SUMMARY = "List the tokens of callers, make one, or take one back."
_EXAMPLES = "%tokens\n%tokens create batch-job --endpoint churn --expires 30d\n%tokens delete batch-job"

MAGICS = (Magic("tokens", "line", Options("%tokens", TokensLine, _SUMMARY, _EXAMPLES), _tokens),)

"""Who may call: the workspace's token opens everything, a caller's token what the snapshot says of it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable

from jupyter_slml.errors import Forbidden, Unauthorized
from jupyter_slml.serving.gateway.doors import SIGNED
from jupyter_slml.serving.gateway.routes import TokenRoute

_CREDENTIAL = b"Credential="


class Access:
    """Answers for one gateway. With `required` false everybody may call."""

    def __init__(self, token: str, *, required: bool = True) -> None:
        self.required = required
        self._token = token.encode()
        self._bearer = b"Bearer " + self._token
        self._tokens: dict[str, TokenRoute] = {}

    def update(self, tokens: Iterable[TokenRoute]) -> None:
        """Take a new snapshot's word."""
        self._tokens = {token.digest: token for token in tokens}

    def check(self, authorization: bytes, endpoint: str | None, scope: str) -> None:
        """Return when the caller may do that with the endpoint (None: with all of them).

        Raises Unauthorized for who is not known, and Forbidden for who is and may not.
        """
        if not self.required or hmac.compare_digest(authorization, self._bearer):
            return
        secret = _secret(authorization)
        if hmac.compare_digest(secret, self._token):
            return
        # Nothing can be learned from the time that looking for a digest takes: nobody chooses digests.
        token = self._tokens.get(hashlib.sha256(secret).hexdigest()) if secret else None
        if token is None:
            raise Unauthorized(
                "The gateway asks for a token." if not authorization else "That is no token of this gateway.",
                field="Authorization",
                remedy="Send the header Authorization: Bearer TOKEN (with boto3: the token as access key id); "
                "jupyter slml status says which file holds the workspace's token.",
            )
        if token.expires_at is not None and token.expires_at <= time.time():
            raise Unauthorized(
                "The token has expired.", field="Authorization", remedy="Make another with: jupyter slml tokens create"
            )
        if scope not in token.scopes:
            raise Forbidden(
                f"The token does not have the scope {scope!r}.",
                field="Authorization",
                value=",".join(sorted(token.scopes)),
                remedy=f"Use a token with the scope {scope!r}.",
            )
        if "*" not in token.endpoints and endpoint not in token.endpoints:
            raise Forbidden(
                "The token is not for all endpoints." if endpoint is None else f"The token is not for {endpoint[:80]!r}.",
                field="Authorization",
                remedy="Use a token that was made for it.",
            )


def _secret(authorization: bytes) -> bytes:
    """The token in `Bearer TOKEN`, or in the credential of a signed request; empty when there is none."""
    if authorization.startswith(SIGNED):
        credential = authorization.partition(_CREDENTIAL)[2].partition(b",")[0]
        return credential.partition(b"/")[0].strip()
    scheme, _, given = authorization.partition(b" ")
    return given.strip() if scheme.lower() == b"bearer" else b""

"""`/tokens`: who else may call endpoints."""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.specs import TokenSpec
from jupyter_slml.domain.views import NewToken, TokenList, TokenView

router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.get("")
def list_tokens(services: Given) -> TokenList:
    return services.tokens.list()


@router.post("", status_code=201)
def make_token(spec: TokenSpec, services: Given) -> NewToken:
    """A new token; its secret is shown this once."""
    return services.tokens.make(spec)


@router.delete("/{key}")
def remove_token(key: str, services: Given) -> TokenView:
    """Take a token back, by id or name; the gateway refuses it from now on."""
    return services.tokens.remove(key)

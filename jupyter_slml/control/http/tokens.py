"""`/tokens`: who else may call endpoints."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.specs import TokenSpec
from jupyter_slml.domain.views import NewToken, TokenList, TokenView

router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.get("")
def list_tokens(services: Given) -> TokenList:
    return services.tokens.list()


@router.post("", status_code=201)
async def make_token(spec: TokenSpec, services: Given) -> NewToken:
    """A new token, which opens from now on; its secret is shown this once."""
    made = await asyncio.to_thread(services.tokens.make, spec)
    await services.reconciler.reroute()
    return made


@router.delete("/{key}")
async def remove_token(key: str, services: Given) -> TokenView:
    """Take a token back, by id or name; the gateway refuses it from now on."""
    removed = await asyncio.to_thread(services.tokens.remove, key)
    await services.reconciler.reroute()
    return removed

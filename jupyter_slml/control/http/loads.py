"""`/endpoints/{name}/load`."""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.loads import EndpointLoad

router = APIRouter(prefix="/endpoints", tags=["endpoints"])


@router.get("/{name}/load")
async def get_load(name: str, services: Given) -> EndpointLoad:
    """What the endpoint does now, its cold starts and its cost so far."""
    return await services.loads.get(name)

"""`/endpoints/{name}/console`."""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.specs import ConsoleSpec
from jupyter_slml.domain.views import ConsoleView

router = APIRouter(prefix="/endpoints", tags=["endpoints"])


@router.post("/{name}/console")
async def open_console(name: str, services: Given, spec: ConsoleSpec | None = None) -> ConsoleView:
    """Open a console on a live replica, waking the endpoint first; sent again with its key before the lease is over, it
    stays open. Its requests are no traffic."""
    return await services.consoles.open(name, spec or ConsoleSpec())


@router.delete("/{name}/console/{key}", status_code=204)
async def close_console(name: str, key: str, services: Given) -> None:
    """End a console: a replica that was drained for it takes requests again."""
    await services.consoles.close(name, key)

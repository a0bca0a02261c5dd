"""The application: what is mounted where."""

from __future__ import annotations

from fastapi import FastAPI

from jupyter_slml import __version__
from jupyter_slml.control.http import blobs, consoles, endpoints, errors, events, jobs, loads, models, status, tokens
from jupyter_slml.control.http.services import Services


def make_app(services: Services | None = None) -> FastAPI:
    """The daemon's API. Without services it only describes itself (OpenAPI)."""
    app = FastAPI(
        title="jupyter-slml",
        version=__version__,
        description="Managed jobs, models and endpoints of one workspace.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    for noun in (status, events, jobs, models, endpoints, consoles, loads, tokens, blobs):
        app.include_router(noun.router)
    app.include_router(models.references)
    errors.install(app)
    return app

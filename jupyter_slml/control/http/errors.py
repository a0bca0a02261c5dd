"""How failures leave: one JSON shape with a matching status, whatever went wrong."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from jupyter_slml.domain.model import complaint
from jupyter_slml.errors import Invalid, MethodNotAllowed, NotFound, SlmlError

log = logging.getLogger(__name__)


def respond(error: SlmlError) -> JSONResponse:
    return JSONResponse(error.to_wire(), status_code=error.status)


def install(app: FastAPI) -> None:
    """Register the handlers. An unforeseen exception is logged with its traceback and leaves without it."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SlmlError)
        return respond(error)

    async def validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return respond(_invalid(error.errors()))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return respond(NotFound(f"There is no address {request.url.path}.", field="path"))
        if error.status_code == 405:
            return respond(MethodNotAllowed(f"{request.url.path} does not know {request.method}."))
        return respond(Invalid(str(error.detail)))

    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.exception("%s %s failed", request.method, request.url.path, exc_info=error)
        return respond(
            SlmlError(
                f"The daemon failed on {request.method} {request.url.path}: {type(error).__name__}.",
                remedy="Its log (logs/daemon.log of the workspace) has the details; `jupyter slml doctor` shows where.",
            )
        )

    app.add_exception_handler(SlmlError, known)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unforeseen)


def _invalid(errors: Any) -> Invalid:
    complaints = [
        {
            "field": ".".join(str(part) for part in item["loc"] if part not in ("body", "query", "path")),
            "message": str(item["msg"]).removeprefix("Value error, "),
        }
        for item in errors
    ]
    first = complaints[0]
    return Invalid(
        complaint(errors[0]["type"], first["field"], str(errors[0]["msg"]), errors[0].get("input")),
        field=first["field"] or "body",
        value=errors[0].get("input"),
        detail={"errors": complaints},
    )

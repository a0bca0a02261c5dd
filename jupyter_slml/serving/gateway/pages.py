"""What people read: the OpenAPI description of an endpoint, and a page on which to try it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.endpoint import Endpoint

HTML = b"text/html; charset=utf-8"

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "field": {"type": ["string", "null"]},
                "value": {"type": ["string", "null"]},
                "remedy": {"type": ["string", "null"]},
                "detail": {"type": "object"},
            },
        }
    },
}
_REFUSALS = {
    "400": "The body cannot be read.",
    "401": "The token is missing or unknown.",
    "403": "The token does not open this endpoint.",
    "406": "The answer cannot be given in the form of Accept.",
    "413": "The body is too large.",
    "415": "The content type cannot be read.",
    "422": "The rows are not what the model takes; `field` says which value.",
    "429": "Too many requests wait; Retry-After says when to try again.",
    "503": "No replica could be started.",
    "504": "No answer in time.",
}
_KINDS = {"int": "integer", "i": "integer", "bool": "boolean", "str": "string", "object": "string", "category": "string"}


def openapi(endpoint: Endpoint) -> bytes:
    """The OpenAPI 3.1 document of one endpoint."""
    known = endpoint.route.signature or {}
    row, record = _rows(known)
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    sample = _example(known)
    # The address in the description is relative, so that it holds through a proxy, too.
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": endpoint.name, "version": _version(endpoint), "description": _about(endpoint, known)},
            "servers": [{"url": "."}],
            "security": [{"token": []}],
            "paths": {
                "/invocations": {
                    "post": {
                        "operationId": "predict",
                        "summary": "Predictions for rows, in their order.",
                        "requestBody": {
                            "required": True,
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Rows"}, "example": sample},
                                "text/csv": {"schema": {"type": "string"}},
                                "application/x-npy": {"schema": {"type": "string", "format": "binary"}},
                                "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
                            },
                        },
                        "responses": {
                            "200": {
                                "description": "One prediction per row.",
                                "content": {
                                    "application/json": {"schema": {"$ref": "#/components/schemas/Predictions"}},
                                    "text/csv": {"schema": {"type": "string"}},
                                },
                            },
                            **{status: {"description": text, "content": error} for status, text in _REFUSALS.items()},
                        },
                    }
                }
            },
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "schemas": {
                    "Rows": {
                        "oneOf": [
                            {
                                "type": "object",
                                "required": ["instances"],
                                "properties": {"instances": {"type": "array", "items": {"oneOf": [row, record]}}},
                            },
                            {"type": "array", "items": {"oneOf": [row, record]}},
                            {
                                "type": "object",
                                "required": ["columns", "data"],
                                "properties": {
                                    "columns": {"type": "array", "items": {"type": "string"}},
                                    "data": {"type": "array", "items": row},
                                },
                            },
                        ]
                    },
                    "Predictions": {
                        "type": "object",
                        "required": ["predictions"],
                        "properties": {"predictions": {"type": "array", "description": _meaning(known)}},
                    },
                    "Error": _ERROR,
                },
            },
        }
    )


def _rows(known: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of one row as a list and as a record."""
    names = known.get("columns") or []
    inputs = {item.get("name"): item for item in known.get("inputs") or [] if isinstance(item, dict)}
    kinds = {str(name): {"type": [_kind(inputs.get(name)), "null"], **_range(inputs.get(name))} for name in names}
    row: dict[str, Any] = {"type": "array"}
    width = known.get("features") or len(names) or None
    if width:
        row |= {"minItems": width, "maxItems": width}
    if not any(kind["type"][0] == "string" for kind in kinds.values()):
        row["items"] = {"type": ["number", "null"]}
    record: dict[str, Any] = {"type": "object"}
    if kinds:
        record |= {"properties": kinds, "required": list(kinds), "additionalProperties": False}
    return row, record


def _kind(given: Any) -> str:
    dtype = str((given or {}).get("dtype") or "float").lower()
    return next((kind for start, kind in _KINDS.items() if dtype.startswith(start)), "number")


def _range(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {}
    if given.get("categories"):
        return {"examples": list(given["categories"])[:20]}
    low, high = given.get("min"), given.get("max")
    return {} if low is None or high is None else {"description": f"In training from {low} to {high}."}


def _example(known: Any) -> Any:
    """A body that the model takes: the least value that training saw, else zero."""
    names = known.get("columns")
    inputs = {item.get("name"): item for item in known.get("inputs") or [] if isinstance(item, dict)}
    if names:
        return {"instances": [{str(name): _value(inputs.get(name)) for name in names}]}
    return {"instances": [[0] * int(known.get("features") or 1)]}


def _value(given: Any) -> Any:
    if isinstance(given, dict):
        if given.get("categories"):
            return given["categories"][0]
        if given.get("min") is not None:
            return given["min"]
        if _kind(given) == "string":
            return ""
    return 0


def _version(endpoint: Endpoint) -> str:
    pools = [pool for pool in endpoint.pools.values() if pool.targeted]
    return ", ".join(f"{pool.route.model}@{pool.route.version}" for pool in pools) or "none"


def _about(endpoint: Endpoint, known: Any) -> str:
    task = f"Task: {known['task']}. " if known.get("task") else ""
    return f"{task}Bodies up to {endpoint.max_body} bytes; answers within {endpoint.route.timeout:g} s."


def _meaning(known: Any) -> str:
    classes = known.get("classes")
    if known.get("task") == "binary" and isinstance(classes, list) and len(classes) == 2:
        return f"The probability of {classes[1]!r} for each row."
    if isinstance(classes, list) and classes:
        return f"For each row the probabilities of {', '.join(map(repr, classes[:20]))}, or the class."
    return "One value for each row."


@cache
def page() -> tuple[bytes, bytes]:
    """The page on which to try an endpoint, and its header lines. It holds no data: it reads the description with the token
    that it is given, so it is the same for all and needs none itself."""
    text = resources.files("jupyter_slml.serving.gateway").joinpath("try.html").read_text(encoding="utf-8")
    marks = [
        (kind, base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode())
        for kind, inner in re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL)
    ]
    allowed = "; ".join(f"{kind}-src 'sha256-{mark}'" for kind, mark in marks)
    policy = f"default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; {allowed}"
    headers = f"Content-Security-Policy: {policy}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
    return text.encode(), headers.encode()


def address(name: str) -> str:
    """The path of an endpoint's invocations."""
    return f"/endpoints/{quote(name, safe='')}/invocations"

"""The routing snapshot: which endpoints and revisions there are, what replicas say to be let in, who may call.

The daemon replaces the file atomically and then tells the gateway; the gateway also reads it when it starts, so that it
serves without a daemon. `control/routing.py` writes:

    {serial, tokens: [{digest, endpoints, scopes, expires_at}],
     endpoints: {name: {timeout, max_queue, max_body, record, redact, max_replicas, traffic: {id: weight}, serving, schema,
                        revisions: {id: {token, variant, model, version, order, waking}}}}}

with a line for each endpoint, `"name":{…},`, so that those which are as they were need not be read again (JSON that is laid
out in another way is read as a whole). Fields that are not here are a newer daemon's and are ignored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from jupyter_slml.errors import Invalid


class RevisionRoute(BaseModel):
    """One revision: what its replicas are and say."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(min_length=1, repr=False)
    #: What clients call it: `v` and its number.
    variant: str = ""
    model: str = ""
    version: int = 0
    #: A `ReplicaOrder` without its id: what the gateway gives to this host's runner when a request finds no replica. None:
    #: only the daemon may start one.
    order: dict[str, Any] | None = Field(default=None, repr=False)
    #: The daemon has a replica of it that is starting: the gateway waits for that one first.
    waking: bool = False


class EndpointRoute(BaseModel):
    """One endpoint."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    timeout: float = Field(gt=0)
    max_queue: int = Field(ge=1)
    #: Largest body in bytes; None: the gateway's own bound.
    max_body: int | None = Field(default=None, ge=1)
    #: Share of the requests that are kept in the request log, and the columns that are left out of it.
    record: float = Field(default=0.0, ge=0, le=1)
    redact: tuple[str, ...] = ()
    max_replicas: int = Field(default=1, ge=1)
    #: Share of the requests by revision. Empty until something serves.
    traffic: dict[str, int] = Field(default_factory=dict)
    serving: str | None = None
    #: The model's signature, for people and for the OpenAPI description.
    signature: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    #: In the order in which they were made: the last one is the newest.
    revisions: dict[str, RevisionRoute] = Field(default_factory=dict)

    @property
    def weights(self) -> dict[str, int]:
        """The revisions that get requests. While none serves yet: the newest, so that its first replica answers at once."""
        found = {revision: weight for revision, weight in self.traffic.items() if weight > 0 and revision in self.revisions}
        if found:
            return found
        wanted = self.serving if self.serving in self.revisions else next(reversed(self.revisions), None)
        return {} if wanted is None else {wanted: 1}


class TokenRoute(BaseModel):
    """A token of a caller, by its SHA-256 in hex."""

    model_config = ConfigDict(frozen=True)

    digest: str = Field(repr=False)
    #: Names, or `*` for all.
    endpoints: frozenset[str] = frozenset()
    #: `invoke`, `metrics`.
    scopes: frozenset[str] = frozenset()
    #: Seconds since 1970; None: never.
    expires_at: float | None = None


class Routes(BaseModel):
    """The snapshot."""

    model_config = ConfigDict(frozen=True)

    serial: int = 0
    tokens: tuple[TokenRoute, ...] = ()
    endpoints: dict[str, EndpointRoute] = Field(default_factory=dict)
    #: The endpoints as they were written, by name: a line, or JSON.
    written: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)


def read_routes(path: Path, before: Routes | None = None) -> Routes:
    """Read the snapshot; a missing file means that there is no endpoint. An endpoint that is as it was `before` is the same
    object: one change among a thousand endpoints costs one. Raises Invalid for a file that is none."""
    try:
        found = _parts(path.read_bytes())
        given = found.get("endpoints", {})
        known = {} if before is None else before.endpoints
        written = {} if before is None else before.written
        read = {name: known[name] if written.get(name) == value else _read(value) for name, value in given.items()}
        return Routes.model_validate({**found, "endpoints": read, "written": given})
    except FileNotFoundError:
        return Routes()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field, problem = ".".join(str(part) for part in first["loc"]), first["msg"]
    except (orjson.JSONDecodeError, AttributeError):
        field, problem = "body", "it is not a JSON object"
    raise Invalid(
        f"{path} is not a routing snapshot: {problem}.",
        field=field,
        remedy="Restart the daemon (jupyter slml start): it writes the file anew.",
    )


#: How the first line ends, and what the last one is.
_OPENS, _CLOSES = b'"endpoints":{', b"}}"


def _parts(raw: bytes) -> Any:
    """The snapshot with its endpoints still as they were written: lines, when it has a line for each."""
    head, *lines = raw.rstrip().split(b"\n")
    if not lines or not head.endswith(_OPENS) or lines.pop() != _CLOSES:
        return orjson.loads(raw)
    endpoints = {}
    for line in filter(None, lines):
        name, _, value = line.rstrip(b",").partition(b":")
        endpoints[orjson.loads(name)] = value
    return {**orjson.loads(head + _CLOSES), "endpoints": endpoints}


def _read(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, bytes) else value

"""`/blobs`: content-addressed bytes, in and out."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.views import Digests, Missing, Stored
from jupyter_slml.errors import NotFound
from jupyter_slml.ports.blobs import digest_key

router = APIRouter(prefix="/blobs", tags=["blobs"])

Digest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$", description="sha256, hexadecimal.")]


@router.post("/missing")
def missing(asked: Digests, services: Given) -> Missing:
    """Which of these digests are not stored, so that a client sends only what is new."""
    return Missing(missing=[item for item in asked.digests if not services.blobs.exists(digest_key(item))])


@router.put("/{digest}", status_code=201)
async def put_blob(
    digest: Digest,
    request: Request,
    services: Given,
    x_slml_incoming: Annotated[
        str | None, Header(description="Name of a file in the local store's `incoming` to take over instead of a body.")
    ] = None,
) -> Stored:
    """Store a body under its digest. A body with another digest is refused and not kept."""
    if x_slml_incoming is not None:
        return Stored(digest=digest, size=await asyncio.to_thread(services.blobs.adopt, x_slml_incoming, digest))
    # Spooled first: the store's `add` is blocking and takes the bytes only when their digest is right.
    with tempfile.NamedTemporaryFile(dir=services.workspace.home) as file:
        async for chunk in request.stream():
            await asyncio.to_thread(file.write, chunk)
        file.flush()
        with Path(file.name).open("rb") as source:
            found, size = await asyncio.to_thread(services.blobs.add, iter(lambda: source.read(4 * 2**20), b""), digest)
    return Stored(digest=found, size=size)


@router.post("/incoming/{name}", status_code=202, include_in_schema=False)
def follow(name: str, services: Given) -> None:
    """Read along a file that a client of this host goes on writing there."""
    services.blobs.follow(name)


@router.get("/incoming/{name}", include_in_schema=False)
def count(name: str, services: Given) -> dict[str, str]:
    """The digest of a file that is complete there."""
    return {"digest": services.blobs.count(name)}


@router.get("/{digest}")
def get_blob(digest: Digest, services: Given) -> StreamingResponse:
    if not services.blobs.exists(digest_key(digest)):
        raise NotFound(f"The store has no bytes with the digest {digest[:12]}….", field="digest", value=digest)
    return StreamingResponse(services.blobs.read(digest), media_type="application/octet-stream")

"""`/models`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.responses import Response

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.diffs import VersionDiff
from jupyter_slml.domain.names import MOST_VERSIONS
from jupyter_slml.domain.records import Version
from jupyter_slml.domain.specs import DecisionSpec, ImportSpec, PromoteSpec, RegisterSpec, RollbackSpec
from jupyter_slml.domain.views import EvidenceList, ModelDetail, ModelList, Moved, TransitionList, VersionView
from jupyter_slml.errors import NotFound

router = APIRouter(prefix="/models", tags=["models"])
#: Not below `/models`: there any word may be the name of a model.
references = APIRouter(prefix="/references", tags=["models"])

Number = Annotated[int, InPath(ge=0, le=MOST_VERSIONS)]
Reference = Annotated[str, Query(description="NAME, NAME@VERSION, NAME@STAGE or NAME@ALIAS.")]

#: A card is a page of its own and runs nothing, whoever opens it.
CARD_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@router.get("")
def list_models(services: Given) -> ModelList:
    """Every model with its newest version."""
    return services.models.list()


@router.post("", status_code=201)
def register(spec: RegisterSpec, services: Given) -> VersionView:
    """Register an output of a succeeded job as the next version of a model."""
    return services.models.register(spec)


@router.post("/import", status_code=201)
def import_model(spec: ImportSpec, services: Given) -> VersionView:
    """Register bytes that lie in the store as the next version of a model."""
    return services.models.take(spec)


@references.get("/resolve")
def resolve(reference: Reference, services: Given) -> VersionView:
    """The version that a reference means now."""
    return services.models.resolve(reference)


@references.get("/diff")
def diff_versions(before: Reference, after: Reference, services: Given) -> VersionDiff:
    """What changed from one version to another: metrics, parameters, signature, code, inputs, packages."""
    return services.models.diff(before, after)


@router.post("/promote")
async def promote(spec: PromoteSpec, services: Given) -> Moved:
    """Move a version to a stage, or point an alias at it, if its gate holds. A gate that does not is answered 409
    `gate_failed`, with every term and the numbers that it saw."""
    if spec.gate is not None and "endpoint." in spec.gate:
        # Else it would see nothing of the minute that is not over yet.
        await services.measuring.measure()
    return await asyncio.to_thread(services.transitions.promote, spec)


@router.post("/decide")
def decide(spec: DecisionSpec, services: Given) -> Moved:
    """Approve or reject a version."""
    return services.transitions.decide(spec)


@router.post("/rollback")
def roll_back(spec: RollbackSpec, services: Given) -> Moved:
    """Take back the last move of a stage or an alias."""
    return services.transitions.rollback(spec)


@router.get("/{name}")
def get_model(name: str, services: Given) -> ModelDetail:
    return services.models.get(name)


@router.get("/{name}/transitions")
def list_transitions(
    name: str, services: Given, number: Annotated[int | None, Query(ge=0, le=MOST_VERSIONS)] = None
) -> TransitionList:
    """The moves of a model, or of one version of it, newest first."""
    return services.transitions.log(name, number)


@router.delete("/{name}/aliases/{alias}")
def remove_alias(name: str, alias: str, services: Given, reason: str = "", actor: str = "") -> Moved:
    return services.transitions.remove_alias(name, alias, reason, actor)


@router.get("/{name}/versions/{number}")
def get_version(name: str, number: Number, services: Given) -> VersionView:
    return services.models.version(name, number)


@router.delete("/{name}/versions/{number}")
def delete_version(name: str, number: Number, services: Given) -> VersionView:
    """Refused while an endpoint serves it, while it is in staging or production, and while an alias points at it."""
    return services.models.delete(name, number)


@router.get("/{name}/versions/{number}/card", response_class=HTMLResponse)
def read_card(name: str, number: Number, services: Given) -> HTMLResponse:
    """The model card: a page with everything that is known of the version."""
    return HTMLResponse(services.cards.page(name, number), headers=CARD_HEADERS)


@router.get("/{name}/versions/{number}/evidence")
def list_evidence(name: str, number: Number, services: Given) -> EvidenceList:
    """What was measured of a version, newest first."""
    return services.models.evidence(name, number)


@router.get("/{name}/versions/{number}/baseline")
def read_baseline(name: str, number: Number, services: Given) -> Response:
    """Counts per feature and prediction of the training data, as JSON."""
    version = services.models.version(name, number)
    if version.baseline is None:
        raise NotFound(
            f"{version.reference} has no baseline.",
            field="version",
            value=version.reference,
            remedy="A baseline is kept when the training data are seen: by the fit of an xgboost or scikit-learn model in a "
            "job with --autolog.",
        )
    return StreamingResponse(services.blobs.read(version.baseline), media_type="application/json")


@router.get("/{name}/versions/{number}/artifact")
def read_artifact(name: str, number: Number, services: Given) -> StreamingResponse:
    """The stored bytes; `X-Slml-Format` and `X-Slml-Digest` say what they are."""
    version: Version = services.models.version(name, number)
    headers = {"X-Slml-Format": version.format, "X-Slml-Digest": version.digest, "Content-Length": str(version.size)}
    return StreamingResponse(services.blobs.read(version.digest), media_type="application/octet-stream", headers=headers)

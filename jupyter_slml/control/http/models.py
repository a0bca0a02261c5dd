"""`/models`."""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.records import Version
from jupyter_slml.domain.specs import RegisterSpec
from jupyter_slml.domain.views import ModelDetail, ModelList

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
def list_models(services: Given) -> ModelList:
    """Every model with its newest version."""
    return services.models.list()


@router.post("", status_code=201)
def register(spec: RegisterSpec, services: Given) -> Version:
    """Register an output of a succeeded job as the next version of a model."""
    return services.models.register(spec)


@router.get("/{name}")
def get_model(name: str, services: Given) -> ModelDetail:
    return services.models.get(name)


@router.get("/{name}/versions/{number}")
def get_version(name: str, number: int, services: Given) -> Version:
    return services.models.version(name, number)

"""`/endpoints`: the control side. Predictions go to the gateway."""

from __future__ import annotations

from fastapi import APIRouter

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.domain.views import EndpointList, EndpointView

router = APIRouter(prefix="/endpoints", tags=["endpoints"])


@router.get("")
def list_endpoints(services: Given) -> EndpointList:
    return services.endpoints.list()


@router.put("", status_code=202)
def deploy(spec: DeploySpec, services: Given) -> EndpointView:
    """Serve a model; over a live endpoint the old revision answers until the new one has loaded."""
    return services.endpoints.deploy(spec)


@router.get("/{name}")
def get_endpoint(name: str, services: Given) -> EndpointView:
    return services.endpoints.get(name)


@router.delete("/{name}", status_code=202)
def remove_endpoint(name: str, services: Given) -> EndpointView:
    """Take it down; requests under way are answered first."""
    return services.endpoints.remove(name)

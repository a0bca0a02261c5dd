"""`/endpoints`: the control side. Predictions go to the gateway."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.specs import DeploySpec, ScaleSpec, TakeBackSpec, TrafficSpec, WakeSpec
from jupyter_slml.domain.views import DecisionList, EndpointList, EndpointView, RevisionList

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


@router.put("/{name}/traffic", status_code=202)
def share_traffic(name: str, spec: TrafficSpec, services: Given) -> EndpointView:
    """Give the traffic other shares."""
    return services.endpoints.share(name, spec)


@router.post("/{name}/rollback", status_code=202)
def roll_back_endpoint(name: str, services: Given, spec: TakeBackSpec | None = None) -> EndpointView:
    """Bring back the shares from before the last change."""
    return services.endpoints.rollback(name, spec)


@router.put("/{name}/scale", status_code=202)
def scale_endpoint(name: str, spec: ScaleSpec, services: Given) -> EndpointView:
    """Set the bounds of the number of replicas, until the next deployment."""
    return services.endpoints.scale(name, spec)


@router.post("/{name}/wake", status_code=202)
def wake_endpoint(name: str, services: Given, spec: WakeSpec | None = None) -> EndpointView:
    """Have a replica although nobody calls yet."""
    return services.endpoints.wake(name, None if spec is None else spec.revision)


@router.get("/{name}/revisions")
def list_revisions(name: str, services: Given, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> RevisionList:
    """What it was given to serve, newest first."""
    return services.endpoints.revisions(name, limit)


@router.get("/{name}/decisions")
def list_decisions(name: str, services: Given, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> DecisionList:
    """What the autoscaler decided, newest first."""
    return services.endpoints.decisions(name, limit)

"""`/status`, `/settings`, `/shutdown`: the workspace itself."""

from __future__ import annotations

import os

from fastapi import APIRouter

from jupyter_slml import __version__
from jupyter_slml.control.http.services import Given
from jupyter_slml.domain.views import Collect, Collected, Counts, InstanceList, Shutdown, Status
from jupyter_slml.settings import Settings
from jupyter_slml.storage import endpoints, jobs, models

router = APIRouter(tags=["workspace"])


@router.get("/status")
def status(services: Given) -> Status:
    with services.database.read() as connection:
        counts = Counts(jobs=jobs.counts(connection), models=models.count(connection), endpoints=endpoints.count(connection))
    return Status(
        version=__version__,
        pid=os.getpid(),
        workspace=services.workspace.id,
        home=str(services.workspace.home),
        store=services.blobs.url,
        started_at=services.started_at,
        cluster=services.compute.status(),
        gateway=services.gateway.status(),
        counts=counts,
    )


@router.get("/settings")
def read_settings(services: Given) -> Settings:
    return services.workspace.settings()


@router.put("/settings")
def write_settings(settings: Settings, services: Given) -> Settings:
    """Store new settings; they hold from the daemon's next start (`jupyter slml connect` restarts it)."""
    services.workspace.save_settings(settings)
    return settings


@router.get("/instances")
def list_instances(services: Given) -> InstanceList:
    """The instance types that jobs and replicas may ask for."""
    return InstanceList(instances=list(services.catalogue))


@router.post("/gc")
def collect(wanted: Collect, services: Given) -> Collected:
    """Delete old jobs and the bytes that nothing refers to."""
    return services.retention.collect(older_than=wanted.older_than, keep=wanted.keep, dry_run=wanted.dry_run)


@router.post("/shutdown", status_code=202)
def shutdown(wanted: Shutdown, services: Given) -> Shutdown:
    """Leave after this answer."""
    services.leave(wanted.drain)
    return wanted

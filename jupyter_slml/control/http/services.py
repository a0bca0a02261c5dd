"""What the routes need, made once by the daemon and reached through the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from jupyter_slml.control.batch import Batches
from jupyter_slml.control.bus import Bus
from jupyter_slml.control.cards import Cards
from jupyter_slml.control.consoles import Consoles
from jupyter_slml.control.endpoints import Endpoints
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.jobs import Jobs
from jupyter_slml.control.loads import Loads
from jupyter_slml.control.measuring import Measuring
from jupyter_slml.control.models import Models
from jupyter_slml.control.reconcile import Reconciler
from jupyter_slml.control.results import Results
from jupyter_slml.control.retention import Retention
from jupyter_slml.control.tokens import Tokens
from jupyter_slml.control.transitions import Transitions
from jupyter_slml.control.tuning import Tuning
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.ports.compute import Compute
from jupyter_slml.settings import Workspace
from jupyter_slml.storage.database import Database


@dataclass(frozen=True, kw_only=True)
class Services:
    """The use cases and the parts that routes read from."""

    workspace: Workspace
    database: Database
    blobs: Blobs
    compute: Compute
    gateway: Gateway
    bus: Bus
    reconciler: Reconciler
    catalogue: Catalogue
    jobs: Jobs
    results: Results
    tuning: Tuning
    batches: Batches
    retention: Retention
    models: Models
    transitions: Transitions
    cards: Cards
    endpoints: Endpoints
    consoles: Consoles
    tokens: Tokens
    loads: Loads
    measuring: Measuring
    started_at: float
    #: Ends the daemon: alone (True), or with everything it started (False).
    leave: Callable[[bool], None]


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


Given = Annotated[Services, Depends(_services)]

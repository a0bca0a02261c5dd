"""The control plane with a real database, a real gateway process and the in-memory cluster."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_slml.control.bus import Bus
from jupyter_slml.control.endpoints import Endpoints
from jupyter_slml.control.following import Following
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.jobs import Jobs
from jupyter_slml.control.limits import Limits
from jupyter_slml.control.models import Models
from jupyter_slml.control.reconcile import Reconciler
from jupyter_slml.control.retention import Retention
from jupyter_slml.control.transitions import Transitions
from jupyter_slml.control.waiting import Waiting
from jupyter_slml.domain.instances import Catalogue, InstanceType
from jupyter_slml.domain.outcomes import Artifact
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.settings import Workspace, workspace
from jupyter_slml.storage.blobs import file_url, open_blobs
from jupyter_slml.storage.database import Database, sqlite_url
from jupyter_slml.testing.compute import FakeCompute

MODEL = Artifact(name="model", format="xgboost-ubj", digest="a" * 64, size=3, type="xgboost.XGBClassifier")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(kw_only=True)
class Control:
    """The use cases over one workspace, and what a test needs to look inside."""

    place: Workspace
    database: Database
    blobs: Blobs
    compute: FakeCompute
    gateway: Gateway
    bus: Bus
    catalogue: Catalogue
    reconciler: Reconciler
    jobs: Jobs
    retention: Retention
    models: Models
    transitions: Transitions
    endpoints: Endpoints

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for a condition on the records; it is asked again after each turn of the loop."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(
    place: Workspace, compute: FakeCompute, *, own: Iterable[InstanceType] = (), limits: Limits | None = None
) -> AsyncIterator[Control]:
    """A control plane at work; leaving ends it as a crash would, without a word to the cluster."""
    database = Database(sqlite_url(place.database))
    store = file_url(place.blobs)
    blobs = open_blobs(store)
    gateway, bus = Gateway(place), Bus()
    catalogue, limits = Catalogue(own), limits or Limits()
    reconciler = Reconciler(
        database,
        compute,
        gateway,
        bus,
        store=store,
        catalogue=catalogue,
        limits=limits,
    )
    models = Models(database, blobs)
    waiting = Waiting(compute, catalogue, limits, database.clock)
    await compute.start(reconciler.observer)
    endpoints = Endpoints(database, compute, gateway, catalogue)
    work = asyncio.gather(reconciler.run(), Following(endpoints, bus).run())
    try:
        yield Control(
            place=place,
            database=database,
            blobs=blobs,
            compute=compute,
            gateway=gateway,
            bus=bus,
            catalogue=catalogue,
            reconciler=reconciler,
            jobs=Jobs(database, blobs, compute, catalogue, waiting),
            retention=Retention(database, blobs),
            models=models,
            transitions=Transitions(database, place.settings),
            endpoints=endpoints,
        )
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await gateway.close()
        database.close()


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    found = workspace(tmp_path / "home")
    found.prepare()
    return found


@pytest.fixture
async def control(place: Workspace) -> AsyncIterator[Control]:
    compute = FakeCompute()
    compute.outputs = [MODEL]
    async with running(place, compute) as found:
        yield found
    # After the reconciler, which would start it again.
    await found.gateway.shut_down()

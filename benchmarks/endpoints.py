"""Many endpoints registered, few awake: what a routing change and a tick of the autoscaler cost the daemon and a gateway.

    python benchmarks/endpoints.py [--awake 50] [--registered 50 1000]

Everything is in this process but the gateway, which is the real one; replicas are connections that answer nothing. The
models have 30 named columns with ranges, so that a route weighs five kilobytes. The floors of the same run: reading and
writing a file of that size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import insert

from jupyter_slml.control.autoscaling import Autoscaler
from jupyter_slml.control.bus import Bus
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.reconcile import Reconciler
from jupyter_slml.control.routing import Routing
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Endpoint, Model, Replica, Revision, Version
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.domain.states import EndpointState, ReplicaState
from jupyter_slml.settings import Workspace, workspace, write_private
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import schema
from jupyter_slml.storage.blobs import file_url
from jupyter_slml.storage.database import Database, sqlite_url
from jupyter_slml.storage.rows import to_row
from jupyter_slml.testing.compute import FakeCompute

TIMES = 15
_INPUTS = [{"name": f"c{number}", "dtype": "float64", "min": 0.0, "max": 1.0, "nulls": 0} for number in range(30)]
SIGNATURE = {"features": 30, "columns": [item["name"] for item in _INPUTS], "inputs": _INPUTS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--awake", type=int, default=50, help="Endpoints that have a replica.")
    parser.add_argument("--registered", type=int, nargs="+", default=[50, 1000], help="Endpoints in all.")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {TIMES}, in milliseconds\n")
    for registered in arguments.registered:
        home = Path(tempfile.mkdtemp(prefix="slml-bench-"))
        place = workspace(home)
        place.prepare()
        try:
            asyncio.run(measure(place, registered, min(registered, arguments.awake)))
        finally:
            shutil.rmtree(home, ignore_errors=True)
            shutil.rmtree(place.run, ignore_errors=True)


async def measure(place: Workspace, registered: int, awake: int) -> None:
    database = Database(sqlite_url(place.database))
    fill(database, registered, awake)
    gateway, compute, bus, catalogue = Gateway(place), FakeCompute(), Bus(), Catalogue()
    store = file_url(place.blobs)
    reconciler = Reconciler(database, compute, gateway, bus, store=store)
    autoscaler = Autoscaler(database, gateway, compute, catalogue, reconciler, bus)
    routing = Routing(catalogue, store, gateway.sockets)

    def change() -> str:
        """One endpoint has other shares than before."""
        with database.write() as transaction:
            found = table.get(transaction.connection, "e0000")
            other = found.evolve(serving=None if found.serving else found.revision)
            table.put(transaction.connection, other)
        with database.read() as connection:
            return routing.snapshot(connection)

    async def route() -> None:
        await gateway.route(text)

    text = change()
    await route()
    lines = [attach(gateway.sockets[0], number) for number in range(awake)]
    await autoscaler.refresh()
    await autoscaler.look()
    print(f"{registered} endpoints, {awake} awake, snapshot {len(text) / 1e6:.2f} MB")
    show("one change: write the records, make the snapshot", await timed(lambda: asyncio.to_thread(change)))
    routes = place.gateway_dir / "routes.json"
    show("the snapshot: write the file, the gateway reads it", await timed(route))
    show("floor: write that file, with fsync", await timed(lambda: asyncio.to_thread(write_private, routes, text)))
    show("a tick: the gateway counts what is active", await timed(lambda: gateway.readings({"active": True})))
    show("a tick: all of it, nothing decided", await timed(autoscaler.look))
    show("records read anew, after an event", await timed(autoscaler.refresh))
    print()
    for line in lines:
        line.close()
    await gateway.shut_down()
    database.close()


def fill(database: Database, registered: int, awake: int) -> None:
    with database.write() as transaction:
        connection = transaction.connection
        connection.execute(insert(schema.models).values(**dict(Model(name="m", created_at=0.0, latest=1))))
        version = Version.model_validate(
            {"model": "m", "number": 1, "created_at": 0, "digest": "a" * 64, "size": 1, "format": "xgboost-ubj", "type": "x"}
            | {"signature": SIGNATURE, "job": None, "output": "", "source": ""}
        )
        nested = ("signature", "metrics", "parameters", "tags", "environment", "captures")
        connection.execute(insert(schema.versions).values(**to_row(version, nested)))
        for number in range(registered):
            name, revision = f"e{number:04}", f"rev-{number:06}"
            spec = DeploySpec(model="m", min_replicas=1)
            fields = {"endpoint": name, "number": 1, "model": "m", "version": 1, "created_at": 0.0, "ready_at": 1.0}
            table.add_revision(connection, Revision(id=revision, spec=spec, token="t" * 32, **fields))
            state = EndpointState.READY if number < awake else EndpointState.SLEEPING
            routed = {"revision": revision, "serving": revision, "traffic": {revision: 100}}
            scale = {revision: int(number < awake)}
            table.put(connection, Endpoint(name=name, state=state, scale=scale, created_at=0.0, updated_at=0.0, **routed))
            if number < awake:
                replica = {"id": f"rep-{number}", "endpoint": name, "revision": revision, "created_at": 0.0}
                table.add_replica(connection, Replica(state=ReplicaState.READY, ready_at=0.1, **replica))


def attach(gateway: str, number: int) -> socket.socket:
    """A connection that the gateway takes for a replica."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(gateway)
    hello = {"hello": "replica", "endpoint": f"e{number:04}", "revision": f"rev-{number:06}", "replica": f"rep-{number}"}
    line.sendall(json.dumps(hello | {"token": "t" * 32}).encode() + b"\n")
    assert json.loads(line.makefile().readline()) == {"ok": True}
    return line


async def timed(work: Callable[[], Awaitable[object]]) -> list[float]:
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        found.append(time.perf_counter() - began)
    return found


def show(what: str, seconds: list[float]) -> None:
    middle, slow = statistics.median(seconds), sorted(seconds)[-2]
    print(f"  {what:<52} {1000 * middle:8.2f}  (one in {TIMES} over {1000 * slow:.2f})")


if __name__ == "__main__":
    main()

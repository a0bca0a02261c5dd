"""Use cases of consoles: somebody looks into a live replica, through its own kernel.

A console is open for as long as it is asked for again: whoever opened it may die. What is out of rotation for it comes back
then, and the gateways see to that by themselves when this daemon is gone, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_slml.control.actors import me
from jupyter_slml.control.bus import Bus
from jupyter_slml.control.endpoints import Endpoints
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.shown import view
from jupyter_slml.domain.records import Endpoint, Replica
from jupyter_slml.domain.specs import ConsoleSpec
from jupyter_slml.domain.states import Desired, EndpointState, ReplicaState
from jupyter_slml.domain.views import ConsoleView
from jupyter_slml.errors import Conflict, NotFound, SlmlError, Unavailable
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage.database import Database, Transaction

log = logging.getLogger(__name__)

#: Seconds for which a console is open without being asked for again.
LEASE = 15.0
#: Seconds that a sleeping endpoint may take to wake, and another replica to take over from one that is drained.
WAKE_TIME = 30.0
#: Seconds over which the replicas are compared, when there is a choice.
LOOK = 0.1


@dataclass
class Console:
    """One that is open. Times are those of the loop."""

    key: str
    endpoint: str
    replica: str
    drain: bool
    by: str
    until: float


class Consoles:
    def __init__(self, database: Database, endpoints: Endpoints, gateway: Gateway, bus: Bus, run: Path) -> None:
        """`run` is where the connection files of this host's kernels lie."""
        self._database, self._endpoints, self._gateway, self._bus = database, endpoints, gateway, bus
        self._run = run
        self._host = socket.gethostname()
        self._consoles: dict[str, Console] = {}
        self._opening: dict[str, asyncio.Task[ConsoleView]] = {}

    async def open(self, name: str, spec: ConsoleSpec) -> ConsoleView:
        """Open a console on a replica, waking the endpoint first; or keep the one with this key open.

        Raises NotFound; Conflict for an endpoint that cannot answer and for a replica that is on another host, that ends, or
        that cannot be spared; Unavailable when the endpoint does not wake in time.
        """
        # A request that is sent again opens nothing more.
        task = self._opening.get(spec.key)
        if task is None:
            task = asyncio.create_task(self._open(name, spec), name=spec.key)
            self._opening[spec.key] = task
            task.add_done_callback(lambda _: self._opening.pop(spec.key))
        return await asyncio.shield(task)

    async def close(self, name: str, key: str) -> None:
        """End a console; one that is gone already is none of our business."""
        console = self._consoles.get(key)
        if console is not None and console.endpoint == name:
            await self._end(console, "closed")

    async def run(self) -> None:
        """Work until cancelled: end consoles that nobody asks for any more, those of an earlier daemon included."""
        now = asyncio.get_running_loop().time()
        for replica in await asyncio.to_thread(self._marked):
            key = f"con-{replica.id}"
            drain = replica.console == "drained"
            self._consoles[key] = Console(key, replica.endpoint, replica.id, drain, "", now + LEASE)
        while not self._bus.closed:
            await asyncio.sleep(1)
            now = asyncio.get_running_loop().time()
            for console in [item for item in self._consoles.values() if item.until <= now]:
                try:
                    await self._end(console, "lapsed")
                except Exception:
                    log.exception("console %s did not end; trying again", console.key)

    async def _open(self, name: str, spec: ConsoleSpec) -> ConsoleView:
        console = self._consoles.get(spec.key)
        if console is not None and console.endpoint != name:
            raise Conflict(
                f"The key {spec.key} is that of a console on {console.endpoint!r}.",
                field="key",
                value=spec.key,
                remedy="Leave the key out.",
            )
        try:
            replica = await self._find(name, spec.replica if console is None else console.replica)
        except SlmlError:
            if console is not None:
                await self._end(console, "failed")
            raise
        path = self._path(replica.id)
        if not path.exists():
            raise Unavailable(f"The kernel of {replica.id} cannot be found.", field="replica", value=replica.id)
        is_new = console is None
        if console is None:
            # Nobody asks for it again before it is open.
            until = self._later() + WAKE_TIME
            console = Console(spec.key, name, replica.id, spec.drain, spec.by or me(), until)
            self._consoles[spec.key] = console
        try:
            if is_new:
                await asyncio.to_thread(self._enter, console)
                if console.drain:
                    await self._relieve(replica)
            if console.drain:
                await self._gateway.hold(replica.id, LEASE)
        except BaseException:
            await self._end(console, "failed")
            raise
        console.until = self._later()
        with self._database.read() as connection:
            revision = table.get_revision(connection, replica.revision)
        return ConsoleView(
            key=spec.key,
            endpoint=name,
            replica=replica.id,
            model=revision.model,
            version=revision.version,
            connection_file=str(path),
            drain=console.drain,
            lease=LEASE,
        )

    def _path(self, replica: str) -> Path:
        return self._run / f"{replica}.json"

    def _later(self) -> float:
        return asyncio.get_running_loop().time() + LEASE

    async def _find(self, name: str, wanted: str | None) -> Replica:
        """The replica that is asked for, else the least busy one of this host; wakes the endpoint when there is none."""
        last = asyncio.get_running_loop().time() + WAKE_TIME
        woken = False
        while True:
            changed = self._bus.listen(("endpoint", name))
            with self._database.read() as connection:
                endpoint = table.get(connection, name)
                replicas = table.open_replicas(connection, name)
            answering = [item for item in replicas if _answers(endpoint, item)]
            if wanted is not None:
                return self._named(endpoint, replicas, wanted)
            here = [item for item in answering if item.host == self._host]
            if here:
                return await self._idlest(name, here)
            if answering:
                hosts = ", ".join(sorted({item.host or "?" for item in answering}))
                raise Conflict(
                    f"The replicas of {name!r} run on other hosts ({hosts}); a console reaches those of its own alone.",
                    field="endpoint",
                    value=name,
                    remedy=f"Deploy it where {self._host} has a worker, or log in there.",
                )
            self._check(endpoint)
            if not woken:
                await asyncio.to_thread(self._endpoints.wake, name)
                woken = True
                continue
            left = last - asyncio.get_running_loop().time()
            if left <= 0:
                raise Unavailable(
                    f"{name!r} did not wake within {WAKE_TIME:g} s: {endpoint.reason or endpoint.state.value}",
                    field="endpoint",
                    value=name,
                    remedy="See what it waits for with `%endpoints`.",
                )
            await changed.wait(min(left, 1.0))

    def _named(self, endpoint: Endpoint, replicas: list[Replica], wanted: str) -> Replica:
        found = next((item for item in replicas if item.id == wanted), None)
        if found is None:
            known = ", ".join(item.id for item in replicas if item.state is ReplicaState.READY)
            raise NotFound(
                f"{endpoint.name!r} has no replica {wanted!r}, or it has ended.",
                field="replica",
                value=wanted,
                remedy=f"Its replicas: {known}." if known else "It has none now.",
            )
        if found.state is not ReplicaState.READY or found.desired is Desired.STOP:
            doing = "ends" if found.desired is Desired.STOP else "is still loading"
            raise Conflict(f"{wanted} {doing}.", field="replica", value=wanted, remedy="Choose another, or none.")
        if found.host != self._host:
            raise Conflict(
                f"{wanted} runs on {found.host}, and a console reaches kernels of its own host alone ({self._host}).",
                field="replica",
                value=wanted,
                remedy="Choose one that runs here, or none.",
            )
        return found

    def _check(self, endpoint: Endpoint) -> None:
        if endpoint.desired is Desired.STOP:
            raise Conflict(f"Endpoint {endpoint.name!r} is being taken down.", field="endpoint", value=endpoint.name)
        if endpoint.state is EndpointState.FAILED:
            raise Conflict(
                f"{endpoint.name!r} has no replica to look into: {endpoint.reason}",
                field="endpoint",
                value=endpoint.name,
                remedy="See the whole error with `%endpoint`, and deploy a version that loads.",
            )

    async def _idlest(self, name: str, replicas: list[Replica]) -> Replica:
        """The one that has worked least just now, drained ones and standbys last."""
        if len(replicas) == 1:
            return replicas[0]
        before = await self._work(name)
        await asyncio.sleep(LOOK)
        after = await self._work(name)

        def work(item: Replica) -> tuple[bool, float]:
            return item.standby or bool(item.console), after.get(item.id, 0.0) - before.get(item.id, 0.0)

        return min(replicas, key=work)

    async def _work(self, name: str) -> dict[str, float]:
        """Seconds of work of each replica, so far."""
        counts = (await self._counts(name)).values()
        return {replica: busy for found in counts for replica, busy in found["work"].items()}

    async def _counts(self, name: str) -> dict[str, Any]:
        """What the gateways count, by revision; nothing while they are away."""
        try:
            found = (await self._gateway.stats(name))["endpoints"].get(name)
        except Unavailable:
            return {}
        return {} if found is None else dict(found["revisions"])

    async def _relieve(self, replica: Replica) -> None:
        """Wait until another replica takes the requests of one that is about to be drained."""
        last = asyncio.get_running_loop().time() + WAKE_TIME
        while asyncio.get_running_loop().time() < last:
            with self._database.read() as connection:
                endpoint = table.get(connection, replica.endpoint)
            counts = await self._counts(replica.endpoint)
            serving = counts.get(replica.revision, {"replicas": []})["replicas"]
            if set(serving) - {replica.id} or not endpoint.scale.get(replica.revision, 1):
                return
            await asyncio.sleep(0.05)
        raise Conflict(
            f"{replica.id} is the only replica that answers, and no other took over within {WAKE_TIME:g} s.",
            field="drain",
            remedy="Open the console without --drain, or make room for one more replica.",
        )

    async def _end(self, console: Console, how: str) -> None:
        known = self._consoles.pop(console.key, None)
        if how == "lapsed" and not self._on(console.replica):
            # Nobody is there any more to interrupt what it left running.
            await asyncio.to_thread(_interrupt, self._path(console.replica))
        if console.drain and not any(item.drain for item in self._on(console.replica)):
            await self._gateway.release(console.replica)
        try:
            await asyncio.to_thread(self._leave, console, how)
        except BaseException:
            if known is not None:
                self._consoles[console.key] = known
            raise

    def _on(self, replica: str) -> list[Console]:
        return [item for item in self._consoles.values() if item.replica == replica]

    # records

    def _enter(self, console: Console) -> None:
        with self._database.write() as transaction:
            self._mark(transaction, console, "console", {})

    def _leave(self, console: Console, how: str) -> None:
        with self._database.write() as transaction:
            self._mark(transaction, console, "console_closed", {"how": how})

    def _mark(self, transaction: Transaction, console: Console, kind: str, more: dict[str, str]) -> None:
        """Write on the replica what consoles it has, and into the log who opened or closed one."""
        connection = transaction.connection
        there = self._on(console.replica)
        replica = table.get_replica(connection, console.replica)
        if replica is not None:
            mark = "drained" if any(item.drain for item in there) else "open" if there else ""
            table.save_replica(connection, replica.evolve(console=mark))
        said = {"key": console.key, "replica": console.replica, "drain": console.drain, "by": console.by, **more}
        data: dict[str, object] = {"console": said}
        endpoint = table.find(connection, console.endpoint)
        if endpoint is not None:
            data["endpoint"] = view(connection, endpoint, self._gateway).model_dump(mode="json")
        transaction.record(f"endpoint.{kind}", "endpoint", console.endpoint, data)

    def _marked(self) -> list[Replica]:
        with self._database.read() as connection:
            return [item for item in table.open_replicas(connection) if item.console]


def _interrupt(connection_file: Path) -> None:
    """Interrupt whatever a kernel runs; an idle one takes no notice."""
    from jupyter_client.blocking.client import BlockingKernelClient

    try:
        client = BlockingKernelClient(connection_file=str(connection_file))
        client.load_connection_file()
    except (OSError, ValueError):
        return
    client.start_channels(shell=False, iopub=False, stdin=False, hb=False, control=True)
    try:
        client.control_channel.send(client.session.msg("interrupt_request", content={}))
        with contextlib.suppress(queue.Empty):
            client.get_control_msg(timeout=2)
    finally:
        client.stop_channels()


def _answers(endpoint: Endpoint, replica: Replica) -> bool:
    return (
        replica.state is ReplicaState.READY
        and replica.desired is Desired.RUN
        and (not endpoint.traffic or replica.revision in endpoint.traffic)
    )

"""The daemon's half: carries out orders on a Dask cluster, whatever dies meanwhile.

Each order is one supervising task. What it hears comes as Dask events; the task's own end is a second, slower word that
matters when the first is missing. `start.json` in the blob store says on which host an attempt runs, so a task that was lost
with its worker is given again to that host, and an attempt is given up only by committing an outcome that nobody can undo.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any

from distributed import fire_and_forget

from jupyter_slml.compute.capacity import Capacity
from jupyter_slml.compute.chores import Chores, quietly
from jupyter_slml.compute.cluster import LocalCluster
from jupyter_slml.compute.connection import Connection, host_of
from jupyter_slml.compute.link import RunnerPlace, ask, attach, end
from jupyter_slml.compute.outcomes import claim, give_up, persist, read_outcome, read_start
from jupyter_slml.compute.plugin import host_resources
from jupyter_slml.compute.supervise import FINAL, supervise, task_key
from jupyter_slml.compute.tracked import Tracked, outcome_of
from jupyter_slml.domain.cluster import ClusterStatus
from jupyter_slml.domain.orders import AttemptOrder, ReplicaOrder
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.ports.compute import Observer
from jupyter_slml.settings import Settings, Workspace

logger = logging.getLogger(__name__)

#: Seconds between looks at the connection and at our own processes.
LOOK = 0.5
#: Pauses between tries to have a cluster.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
#: How long a runner may take to end all that it runs.
END_TIMEOUT = 30.0
#: How long a host that runs an order may be without a worker before the order counts as lost.
HOST_PATIENCE = 60.0
#: Seconds of silence after which a submitted order is asked for.
CATCH_UP = 1.0
#: How often an order that nobody started is given to the cluster again.
MOST_MOVES = 20


class DaskBackend:
    """Implements `ports.compute.Compute`."""

    def __init__(self, workspace: Workspace, settings: Settings, blobs: Blobs) -> None:
        self._settings = settings
        self._blobs = blobs
        self._cluster = None if settings.scheduler else LocalCluster(workspace, settings)
        self._place = RunnerPlace(
            workspace=workspace.id,
            run=str(workspace.run),
            data=str(workspace.home / "runner"),
            store=blobs.url,
            cache_gib=settings.cache_gib,
        )
        self._capacity = Capacity(expected=host_resources(settings.workers or 1) if self._cluster else {})
        self._names: dict[str, str] = {}
        self._orders: dict[str, Tracked] = {}
        #: Replicas that were stopped before they had started; one that starts after all is stopped again.
        self._unwanted: set[str] = set()
        self._connection: Connection | None = None
        self._observer: Observer | None = None
        self._problem = "Not started."
        self._tried = asyncio.Event()
        self._changed = asyncio.Condition()
        self._tending: asyncio.Task[None] | None = None
        self._chores = Chores()

    # ---- life

    async def start(self, observer: Observer) -> None:
        self._observer = observer
        self._tending = asyncio.create_task(self._tend(), name="slml-cluster")
        await self._tried.wait()

    async def close(self) -> None:
        tasks = [item.watch for item in self._orders.values() if item.watch is not None]
        tasks += [self._tending] if self._tending else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self._chores.cancel(), return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            await quietly(connection.close())

    async def shut_down(self) -> None:
        if self._tending is not None:
            self._tending.cancel()
        if self._connection is not None and self._connection.alive:
            await quietly(asyncio.wait_for(self._connection.release_workers(), END_TIMEOUT))
        await self.close()
        if self._cluster is not None:
            await self._cluster.end()
            await quietly(asyncio.wait_for(end(self._place), END_TIMEOUT))
        self._problem = "Shut down."

    async def _warm_up(self) -> None:
        """Start this host's runner beside the scheduler; the workers find it running."""
        _, writer = await attach(self._place)
        writer.close()

    async def _tend(self) -> None:
        """Have a connection, for as long as we live."""
        pause = FIRST_PAUSE
        while True:
            try:
                address = self._settings.scheduler or ""
                if self._cluster is not None:
                    self._chores.add(self._warm_up())
                    address = await self._cluster.ensure()
                self._connection = await Connection.open(self._cluster, address, self._place, self._blobs, self._hear)
                await self._look_at_workers()
            except Exception as error:
                if not isinstance(error, SlmlError):
                    logger.exception("no cluster")
                self._problem = str(error)
                await self._drop_connection()
                await self._announce()
                self._tried.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            self._problem, pause = "", FIRST_PAUSE
            self._tried.set()
            await self._announce()
            for tracked in list(self._orders.values()):
                self._chores.add(self._recover(tracked))
            await self._until_broken(self._connection)
            self._problem = "The connection to the Dask scheduler broke; trying again."
            await self._drop_connection()
            await self._announce()

    async def _until_broken(self, connection: Connection) -> None:
        while connection.alive:
            await asyncio.sleep(LOOK)
            if self._cluster is not None and not self._cluster.healthy:
                record = self._cluster.record()
                if record is None or not record.scheduler.alive:
                    return
                await quietly(self._cluster.ensure())

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        self._capacity.workers = {}
        if connection is not None:
            await quietly(connection.close())

    # ---- orders

    async def submit(self, order: AttemptOrder | ReplicaOrder) -> None:
        if self._connection is None:
            raise Unavailable(f"The Dask cluster cannot be reached. {self._problem}")
        if order.id not in self._orders:
            tracked = self._orders[order.id] = Tracked(order)
            if isinstance(order, ReplicaOrder):
                # Attempts are fenced by the store; a replica that runs already is found by asking.
                tracked.host = await self._who_has(order.id)
                tracked.started = tracked.host is not None
            self._dispatch(tracked)
            tracked.started = False
            # Silence is usual for an order that waits; for one that was running already it hides what was said before.
            asyncio.get_running_loop().call_later(CATCH_UP, lambda: self._chores.add(self._catch_up(tracked)))

    async def _catch_up(self, tracked: Tracked) -> None:
        """Hear what was said before we listened, if the order's supervising task is older than we are."""
        if tracked.started or tracked.settled or self._observer is None:
            return
        for address, answer in (await self._ask({"op": "replay", "id": tracked.order.id})).items():
            for message in (answer or {}).get("messages", []):
                if not tracked.settled:
                    known = {"order": tracked.order.id, "address": address, "host": answer and answer["host"]}
                    self._hear({**message, **known})

    def _dispatch(self, tracked: Tracked) -> None:
        """Make the supervising task; on the host that has the order, if one does."""
        if self._connection is None or tracked.settled:
            return
        if tracked.watch is not None and tracked.watch is not asyncio.current_task():
            tracked.watch.cancel()
        if tracked.future is not None:
            tracked.future.release()
        pins = [host_of(address) for address, name in self._names.items() if name == tracked.host]
        tracked.future = self._connection.client.submit(
            supervise,
            tracked.order.model_dump_json(),
            not tracked.is_attempt and tracked.started,
            key=task_key(tracked.order.id),
            pure=False,
            retries=0,
            resources=tracked.resources,
            workers=pins or None,
        )
        fire_and_forget(tracked.future)  # type: ignore[no-untyped-call]
        tracked.watch = asyncio.create_task(self._watch(tracked, tracked.future), name=f"watch-{tracked.order.id}")

    async def _watch(self, tracked: Tracked, future: Any) -> None:
        """Notice a supervising task that ended without a last message: its worker or the scheduler died."""
        try:
            message = await future
        except asyncio.CancelledError:
            if future.status != "cancelled":
                raise
            message = None
        except Exception as error:
            logger.info("%s: %s", tracked.order.id, error)
            message = None
        if tracked.settled or tracked.future is not future:
            return
        if message is None:
            await self._recover(tracked)
        else:
            await self._settle(tracked, message)

    def _hear(self, message: dict[str, Any]) -> None:
        """A worker said something."""
        kind = message.get("kind")
        if kind in ("worker", "workers"):
            if kind == "worker":
                self._names[message["address"]] = message["host"]
            self._chores.add(self._workers_changed())
            return
        tracked = self._orders.get(message["order"])
        if tracked is None or self._observer is None:
            if kind == "started" and message["order"] in self._unwanted:
                self._chores.add(self._deliver_stop(message["order"], "stop", 0.0))
            return
        if kind in FINAL:
            self._chores.add(self._settle(tracked, message))
            return
        tracked.hear(message, self._observer)
        if kind == "started" and tracked.stopping is not None:
            self._chores.add(self._deliver_stop(tracked.order.id, *tracked.stopping))

    async def _settle(self, tracked: Tracked, message: dict[str, Any]) -> None:
        """Act on the last message of a supervising task."""
        if tracked.settled:
            return
        outcome = outcome_of(message) if tracked.is_attempt else None
        if message["kind"] == "fenced":
            tracked.host = message["start"].get("host")
            await self._recover(tracked)
        elif tracked.is_attempt and outcome is None:
            await self._lose(tracked, str(message.get("message", "The runner does not know it.")))
        else:
            self._end(tracked, {"outcome": outcome} if tracked.is_attempt else message)

    def _end(self, tracked: Tracked, message: dict[str, Any]) -> None:
        assert self._observer is not None
        self._orders.pop(tracked.order.id, None)
        tracked.end(message, self._observer)
        if tracked.watch is not None and tracked.watch is not asyncio.current_task():
            tracked.watch.cancel()
        if tracked.future is not None:
            tracked.future.release()

    async def _recover(self, tracked: Tracked) -> None:
        """Find out what became of an order whose supervising task is gone, and give it to its host again."""
        if self._connection is None or not self._connection.alive or tracked.settled or tracked.recovering:
            # Without a connection, `_tend` comes here again as soon as there is one.
            return
        tracked.recovering = True
        try:
            await self._find(tracked)
        finally:
            tracked.recovering = False

    async def _find(self, tracked: Tracked) -> None:
        tracked.moves += 1
        if tracked.is_attempt:
            outcome = await persist(read_outcome, self._blobs, tracked.order.id, patience=math.inf)
            if outcome is not None:
                self._end(tracked, {"outcome": outcome})
                return
            start = await persist(read_start, self._blobs, tracked.order.id, patience=math.inf)
            tracked.host = None if start is None else start.get("host")
        if tracked.host is not None and not await self._host_returns(tracked.host):
            await self._lose(tracked, f"The host {tracked.host} has had no worker for {HOST_PATIENCE:g} s.")
        elif tracked.host is None and tracked.moves > MOST_MOVES:
            await self._lose(tracked, f"Given to the cluster {MOST_MOVES} times, and nobody started it.")
        else:
            self._dispatch(tracked)

    async def _host_returns(self, host: str) -> bool:
        """Wait for a worker on `host`; a nanny needs some seconds to bring another."""
        try:
            async with asyncio.timeout(HOST_PATIENCE), self._changed:
                await self._changed.wait_for(lambda: self._connection is None or host in self._present())
        except TimeoutError:
            return False
        return True

    def _present(self) -> set[str]:
        return {name for address, name in self._names.items() if address in self._capacity.workers}

    async def _lose(self, tracked: Tracked, message: str) -> None:
        """Nobody runs it any more: make sure that nobody can commit for it, then say so."""
        if tracked.is_attempt:
            outcome = await persist(give_up, self._blobs, tracked.order.id, message, patience=math.inf)
            self._end(tracked, {"outcome": outcome})
        else:
            self._end(tracked, {"state": "lost", "message": message})

    # ---- stop

    async def stop(self, order_id: str, reason: str, grace: float) -> None:
        tracked = self._orders.get(order_id)
        if tracked is not None:
            tracked.stopping = (reason, grace)
        if await self._deliver_stop(order_id, reason, grace):
            return
        if tracked is None or tracked.settled:
            return
        if not tracked.is_attempt:
            self._unwanted.add(order_id)
            await self._withdraw(tracked)
            self._end(tracked, {"state": "stopped", "message": "Stopped before it had started."})
        elif await persist(claim, self._blobs, order_id, None, None):
            # The start is ours now, so nobody else can start it.
            await self._withdraw(tracked)
            text = "Stopped before it had started."
            state = AttemptState.STOPPED
            self._end(tracked, {"outcome": await persist(give_up, self._blobs, order_id, text, state, patience=math.inf)})
        # Else it has just started; `started` delivers the stop that is noted above.

    async def _withdraw(self, tracked: Tracked) -> None:
        if tracked.future is not None:
            await quietly(tracked.future.cancel())

    async def _deliver_stop(self, order_id: str, reason: str, grace: float) -> bool:
        """Tell the runner that has the order, wherever it is. False when none has it."""
        answers = await self._ask({"op": "stop", "id": order_id, "reason": reason, "grace": grace})
        return any((answer or {}).get("known") for answer in answers.values())

    async def _who_has(self, order_id: str) -> str | None:
        """The host whose runner runs the order."""
        answers = (await self._ask({"op": "list"})).values()
        return next((answer["host"] for answer in answers if answer and answer["orders"].get(order_id) == "running"), None)

    async def _ask(self, request: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
        """Put a question to all runners; answers by a worker's address."""
        if self._cluster is not None:
            # Our own host: the way through Dask may be broken, the runner is not.
            address = next(iter(self._capacity.workers), "")
            return {address: await ask(self._place, request)}
        return {} if self._connection is None else await self._connection.ask(request)

    # ---- what there is

    def waits(self, attempt: str) -> str:
        tracked = self._orders.get(attempt)
        return "" if tracked is None else tracked.waits

    def fits(self, resources: dict[str, float]) -> str | None:
        return self._capacity.fits(resources)

    def slot(self, resources: dict[str, float]) -> bool:
        return self._connection is not None and self._capacity.slot(resources, self._placed())

    def status(self) -> ClusterStatus:
        return ClusterStatus(
            connected=self._connection is not None,
            address=None if self._connection is None else self._connection.address,
            owned=self._cluster is not None,
            hosts=self._capacity.hosts(self._names, self._placed()),
            problem=self._problem,
        )

    def _placed(self) -> list[tuple[str | None, dict[str, float]]]:
        return [(item.address, item.resources) for item in self._orders.values() if not item.settled]

    async def _workers_changed(self) -> None:
        await quietly(self._look_at_workers())
        await self._announce()

    async def _look_at_workers(self) -> None:
        if self._connection is not None:
            self._capacity.workers = await self._connection.workers()
            gone = self._names.keys() - self._capacity.workers.keys()
            for address in gone:
                del self._names[address]

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()
        if self._observer is not None:
            self._observer.cluster_changed()

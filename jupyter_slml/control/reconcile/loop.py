"""The loop: takes one key at a time from the list of what to look at."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from jupyter_slml.control.bus import EVENTS, Bus
from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.limits import Limits
from jupyter_slml.control.observations import Hung, Key, Observations, Woken
from jupyter_slml.control.reconcile.adoption import Change
from jupyter_slml.control.reconcile.endpoints import EndpointMoves
from jupyter_slml.control.reconcile.jobs import JobMoves
from jupyter_slml.control.worklist import Worklist
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.records import Event
from jupyter_slml.domain.states import Desired
from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import endpoints as endpoint_table
from jupyter_slml.storage import jobs as job_table
from jupyter_slml.storage.database import Database

log = logging.getLogger(__name__)

#: Looks that wait for other processes: looks at records must not wait behind them.
_SLOW = frozenset({"end", "unhost", "rotate", "route"})


class Reconciler:
    """Moves what is observed toward what is asked for, one step at a time."""

    def __init__(
        self,
        database: Database,
        compute: Compute,
        gateway: Gateway,
        bus: Bus,
        *,
        store: str,
        catalogue: Catalogue | None = None,
        limits: Limits | None = None,
        is_local: bool = True,
    ) -> None:
        self._database, self._compute, self._bus = database, compute, bus
        known = catalogue or Catalogue()
        self._jobs = JobMoves(database, compute, store, known, limits or Limits())
        self._endpoints = EndpointMoves(database, compute, gateway, store, known, is_local=is_local)
        self._worklist: Worklist[Key] = Worklist()
        self._tasks: set[asyncio.Task[None]] = set()
        #: Whom the compute reports to.
        self.observer = Observations(bus, self._worklist.add)

    async def run(self) -> None:
        """Work until cancelled. Begins by adopting everything that an earlier daemon left unfinished."""
        loop = asyncio.get_running_loop()

        def committed(events: list[Event]) -> None:
            loop.call_soon_threadsafe(self._committed, events)

        self._database.listener = committed
        self._worklist.add(("adopt", ""))
        self._worklist.add(("queue", ""))
        try:
            while True:
                key = await self._worklist.take()
                if key[0] in _SLOW:
                    self._spawn(self._look(key))
                else:
                    await self._look(key)
        finally:
            self._worklist.close()
            for task in list(self._tasks):
                task.cancel()

    def _committed(self, events: list[Event]) -> None:
        """Wake whoever waits for these subjects, and look at those whose intent changed."""
        self._bus.notify(EVENTS)
        for event in events:
            self._bus.notify((event.subject, event.subject_id))
            self._bus.notify(event.subject)
            self._bus.notify(event.kind)
            match event.kind:
                case "job.queued":
                    self._worklist.add(("queue", ""))
                case "job.stop_requested":
                    self._worklist.add(("job", event.subject_id))
                case (
                    "endpoint.deployed"
                    | "endpoint.stop_requested"
                    | "endpoint.scaled"
                    | "endpoint.woken"
                    | "endpoint.console"
                    | "endpoint.console_closed"
                ):
                    self._worklist.add(("endpoint", event.subject_id))
                case "token.made" | "token.removed":
                    self._worklist.add(("route", ""))
                case "endpoint.shifted" | "endpoint.rolled_back":
                    # The replicas that the new shares need first, so that the gateway hears that they come.
                    self._worklist.add(("endpoint", event.subject_id))
                    self._worklist.add(("route", ""))

    async def _look(self, key: Key) -> None:
        try:
            await self._dispatch(*key)
        except SlmlError as error:
            delay = self._worklist.failed(key)
            log.warning("%s %s: %s Trying again in %.1f s.", *key, error.message, delay)
        except Exception:
            delay = self._worklist.failed(key)
            log.exception("%s %s failed; trying again in %.1f s", *key, delay)
        else:
            self._worklist.succeeded(key)

    async def _dispatch(self, kind: str, subject: str) -> None:
        match kind:
            case "job":
                await self._change(self._jobs.step, subject)
            case "attempt":
                await self._hear(self._jobs.hear, (kind, subject))
            case "submit":
                await self._jobs.submit(subject)
            case "end":
                await self._jobs.end(subject)
            case "queue":
                await self._place()
            case "endpoint":
                await self._change(self._endpoints.step, subject)
            case "replica":
                await self._hear(self._endpoints.hear, (kind, subject))
            case "host":
                await self._endpoints.host(subject)
            case "unhost":
                await self._endpoints.unhost(subject)
            case "rotate":
                await self._endpoints.rotate(subject)
            case "route":
                for key in await self._endpoints.route():
                    self._worklist.add(key)
            case "adopt":
                await self._adopt()

    async def adopt(self, woken: Sequence[Woken], hung: Sequence[Hung]) -> None:
        """Take into the records what gateways have done by themselves."""
        await self._change(self._endpoints.adopt, woken, hung)

    async def scale(self, changes: Sequence[Change], working: set[str]) -> None:
        """Carry out what the autoscaler has decided; replicas that are `working` end last."""
        await self._change(self._endpoints.scale, changes, working)

    async def reroute(self) -> None:
        """Have the gateways know what the records say now. One that does not answer reads it when it starts."""
        with contextlib.suppress(Unavailable):
            await self._dispatch("route", "")

    async def _change(self, step: Callable[..., list[Key]], *given: object) -> list[Key]:
        """Take one step in a write transaction off the loop, then ask for what follows from it."""
        keys = await asyncio.to_thread(self._write, step, *given)
        for key in keys:
            self._worklist.add(key)
        return keys

    def _write(self, step: Callable[..., list[Key]], *given: object) -> list[Key]:
        with self._database.write() as transaction:
            return step(transaction, *given)

    async def _hear(self, step: Callable[..., list[Key]], key: Key) -> None:
        while (report := self.observer.first(key)) is not None:
            await self._change(step, key[1], report)
            self.observer.committed(key)

    async def _place(self) -> None:
        """Give free slots to waiting jobs. Each is handed to the cluster at once, so that the next question for a slot
        already counts it."""
        while True:
            waiting, delay = await self._jobs.placeable()
            if delay is not None:
                self._worklist.add(("queue", ""), delay)
            if not waiting:
                return
            keys = await asyncio.to_thread(self._write, self._jobs.start, waiting[0])
            for key in keys:
                # Now, and not by the list as well: one that fails gets there by itself.
                await self._look(key)
            if not keys:
                return

    async def _adopt(self) -> None:
        """Ask again for everything that is not final. The cluster's side attaches to what it knows."""
        if not self._compute.status().connected:
            return
        with self._database.read() as connection:
            attempts = job_table.open_attempts(connection)
            replicas = endpoint_table.open_replicas(connection)
            endpoints = endpoint_table.unsettled(connection)
            served = endpoint_table.count(connection)
            jobs = job_table.unfinished(connection)
        for attempt in attempts:
            self._worklist.add(("submit", attempt.id))
        for job in jobs:
            self._worklist.add(("job", job))
        for replica in replicas:
            self._worklist.add(("unhost" if replica.desired is Desired.STOP else "host", replica.id))
        for endpoint in endpoints:
            self._worklist.add(("endpoint", endpoint))
        if served:
            self._worklist.add(("route", ""))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

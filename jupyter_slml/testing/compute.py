"""A cluster in memory: keeps the obligations of `ports.compute`, and does not run user code.

What an attempt does is read off its source: a cell that contains `raise` fails, one that contains `sleep` runs until it is
stopped or the test decides, any other succeeds at once. A replica is ready at once, unless its model's name begins with
`bad`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyter_slml.domain.cluster import ClusterStatus, Host
from jupyter_slml.domain.instances import CPU_RESOURCE, GIB, MEMORY_RESOURCE
from jupyter_slml.domain.orders import AttemptOrder, ReplicaOrder
from jupyter_slml.domain.outcomes import Artifact, CellError, Outcome, Reason
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import Unavailable
from jupyter_slml.ports.compute import Observer

_ADDRESS = "inproc://fake"


class FakeCompute:
    """`ports.compute.Compute` without processes. `lose`, `finish`, `wait`, `disconnect` are what a test does to it."""

    def __init__(self, *, cpus: float = 2.0, memory: int = 4 * GIB) -> None:
        self._total = {CPU_RESOURCE: cpus, MEMORY_RESOURCE: memory / GIB}
        self._observer: Observer | None = None
        self._orders: dict[str, AttemptOrder | ReplicaOrder] = {}
        self._ended: dict[str, Outcome | tuple[str, str, dict[str, Any] | None]] = {}
        self._using: dict[str, dict[str, float]] = {}
        self._waiting: dict[str, str] = {}
        #: Ids in the order in which they were first started: each at most once.
        self.started: list[str] = []
        self.connected = True
        #: What a succeeding attempt leaves.
        self.outputs: list[Artifact] = []
        #: The last values of what a finished attempt has logged.
        self.metrics: dict[str, float] = {}

    async def start(self, observer: Observer) -> None:
        self._observer = observer

    async def close(self) -> None:
        self._observer = None

    async def shut_down(self) -> None:
        self._using.clear()
        await self.close()

    async def submit(self, order: AttemptOrder | ReplicaOrder) -> None:
        if not self.connected:
            raise Unavailable("The cluster is not connected.")
        if order.id in self._ended:
            self._later(self._tell_end, order.id)
            return
        if order.id not in self._orders:
            self._orders[order.id] = order
            self._using[order.id] = order.resources
            self.started.append(order.id)
        self._later(self._begin, order)

    async def stop(self, order_id: str, reason: str, grace: float) -> None:
        order = self._orders.get(order_id)
        if order is None or order_id in self._ended:
            return
        if isinstance(order, ReplicaOrder):
            self._end(order_id, ("stopped", "Stopped.", None))
        else:
            stopped = Outcome(
                attempt=order_id, state=AttemptState.STOPPED, reason=Reason.STOP, message="Stopped on request."
            )
            self._end(order_id, stopped)

    def waits(self, attempt: str) -> str:
        return self._waiting.get(attempt, "")

    def fits(self, resources: dict[str, float]) -> str | None:
        for name, wanted in resources.items():
            if wanted > self._total.get(name, 0.0):
                return f"it asks for {wanted:g} {name}, the largest worker has {self._total.get(name, 0.0):g}."
        return None

    def slot(self, resources: dict[str, float]) -> bool:
        free = self._free()
        return all(free[name] >= wanted for name, wanted in resources.items())

    def status(self) -> ClusterStatus:
        free = self._free()
        host = Host(
            address=_ADDRESS,
            name="fake",
            cpus=self._total[CPU_RESOURCE],
            memory=int(self._total[MEMORY_RESOURCE] * GIB),
            free_cpus=free[CPU_RESOURCE],
            free_memory=int(free[MEMORY_RESOURCE] * GIB),
        )
        return ClusterStatus(connected=self.connected, address=_ADDRESS, hosts=[host] if self.connected else [])

    # ---- what a test does to it ----------------------------------------------------------------------------------

    def finish(self, attempt: str, **changes: Any) -> None:
        """End a running attempt successfully."""
        left = {"outputs": self.outputs, "metrics": self.metrics}
        base = Outcome(attempt=attempt, state=AttemptState.SUCCEEDED, reason=Reason.DONE, **left)
        self._end(attempt, base.evolve(**changes))

    def wait(self, attempt: str, reason: str) -> None:
        """The store of a running attempt is full, or, with an empty reason, is not any more."""
        self._waiting[attempt] = reason
        if self._observer is not None:
            self._observer.attempt_waits(attempt, reason)

    def lose(self, order_id: str) -> None:
        """The host of an attempt or a replica dies."""
        if isinstance(self._orders[order_id], ReplicaOrder):
            self._end(order_id, ("lost", "Its host died.", None))
        else:
            lost = Outcome(attempt=order_id, state=AttemptState.LOST, reason=Reason.PLATFORM, message="Its host died.")
            self._end(order_id, lost)

    def order(self, order_id: str) -> AttemptOrder | ReplicaOrder:
        """The order of that id."""
        return self._orders[order_id]

    def disconnect(self, broken: bool = True) -> None:
        self.connected = not broken
        if self._observer is not None:
            self._observer.cluster_changed()

    # ---- inside --------------------------------------------------------------------------------------------------

    def _begin(self, order: AttemptOrder | ReplicaOrder) -> None:
        observer = self._observer
        if observer is None or order.id in self._ended:
            return
        if isinstance(order, ReplicaOrder):
            observer.replica_started(order.id, "fake", 1)
            if order.model.startswith("bad"):
                error = {"ename": "ValueError", "evalue": "bad model", "traceback": ["ValueError: bad model"]}
                self._end(order.id, ("failed", "bad model", error))
            else:
                observer.replica_ready(order.id, {"load": 1.0})
            return
        observer.attempt_started(order.id, "fake", 1, time.time())
        observer.attempt_first_line(order.id, time.time())
        if "raise" in order.spec.source:
            raised = CellError(ename="ValueError", evalue="no", traceback=["ValueError: no"], line=1)
            failed = Outcome(
                attempt=order.id, state=AttemptState.FAILED, reason=Reason.EXCEPTION, message="ValueError: no", error=raised
            )
            self._end(order.id, failed)
        elif "sleep" not in order.spec.source:
            self.finish(order.id)

    def _end(self, order_id: str, end: Outcome | tuple[str, str, dict[str, Any] | None]) -> None:
        self._ended.setdefault(order_id, end)
        self._using.pop(order_id, None)
        self._waiting.pop(order_id, None)
        self._tell_end(order_id)
        if self._observer is not None:
            self._observer.cluster_changed()

    def _tell_end(self, order_id: str) -> None:
        if self._observer is None:
            return
        end = self._ended[order_id]
        if isinstance(end, Outcome):
            self._observer.attempt_ended(end)
        else:
            self._observer.replica_ended(order_id, *end)

    def _free(self) -> dict[str, float]:
        return {name: total - sum(used[name] for used in self._using.values()) for name, total in self._total.items()}

    def _later(self, function: Any, *arguments: Any) -> None:
        asyncio.get_running_loop().call_soon(function, *arguments)

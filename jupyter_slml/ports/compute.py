"""Where orders are carried out: a Dask cluster, or a stand-in."""

from __future__ import annotations

from typing import Any, Protocol

from jupyter_slml.domain.cluster import ClusterStatus
from jupyter_slml.domain.orders import AttemptOrder, ReplicaOrder
from jupyter_slml.domain.outcomes import Outcome


class Observer(Protocol):
    """Who hears what happens. Called on the event loop of the backend; must not block."""

    def attempt_started(self, attempt: str, host: str, pid: int, at: float) -> None: ...

    def attempt_first_line(self, attempt: str, at: float) -> None:
        """Inputs are there, the cell begins."""

    def attempt_progress(self, attempt: str, metrics: dict[str, float]) -> None:
        """Latest values, at most twice a second."""

    def attempt_logged(self, attempt: str, sequence: int) -> None:
        """Log chunks up to `sequence` are in the store."""

    def attempt_waits(self, attempt: str, reason: str) -> None:
        """It waits for the store, which is full or cannot be reached; an empty reason: it goes on."""

    def attempt_ended(self, outcome: Outcome) -> None:
        """The committed outcome, or one with state `lost` when nobody can have committed another."""

    def replica_started(self, replica: str, host: str, pid: int) -> None: ...

    def replica_ready(self, replica: str, phases: dict[str, float]) -> None: ...

    def replica_ended(self, replica: str, state: str, message: str, error: dict[str, Any] | None) -> None:
        """`state` is `stopped`, `failed` (the model could not be loaded; `error` has ename, evalue, traceback) or `lost`."""

    def cluster_changed(self) -> None:
        """Workers came or went, slots may have become free, or the connection broke or came back."""


class Compute(Protocol):
    """Carries out orders.

    Obligations. `submit` with an order id that is known anywhere (queued, running, ended) starts nothing a second time: it
    attaches to what is there, so it may be called again after any restart. After `submit` exactly one of the ended calls
    follows for that id, unless the process dies first. `stop` is heard also by an order that has not started. Nothing here
    retries user code. All methods run on one event loop.
    """

    async def start(self, observer: Observer) -> None:
        """Connect, starting our own cluster when no address is set. Returns when it can take orders or has said why not."""

    async def close(self) -> None:
        """Disconnect. Leaves the cluster and everything on it running."""

    async def shut_down(self) -> None:
        """End the cluster if it is ours, with all runners and everything under them."""

    async def submit(self, order: AttemptOrder | ReplicaOrder) -> None:
        """Raises `Unavailable` when the cluster cannot be reached."""

    async def stop(self, order_id: str, reason: str, grace: float) -> None:
        """End an attempt or a replica: SIGTERM to everything it started, after `grace` seconds SIGKILL."""

    def waits(self, attempt: str) -> str:
        """What an attempt waits for although it has a slot, as `Observer.attempt_waits` heard it last; mostly empty."""

    def fits(self, resources: dict[str, float]) -> str | None:
        """None when some worker could ever satisfy the request, else a sentence saying what is too large."""

    def slot(self, resources: dict[str, float]) -> bool:
        """Whether a worker has the resources free now, counting what was submitted and not yet placed."""

    def status(self) -> ClusterStatus: ...

"""What the parts of the gateway need of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from jupyter_slml.serving.gateway.limits import Limits

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.link import ReplicaLink
    from jupyter_slml.serving.gateway.pool import Pool
    from jupyter_slml.serving.gateway.request_log import RequestLog


class Budget:
    """Bytes of bodies in memory, all endpoints together."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


class House(Protocol):
    """The gateway, as endpoints and revisions see it."""

    limits: Limits
    budget: Budget
    requests: RequestLog
    #: Coarse monotonic time, good to a tenth of a second and free of charge.
    now: float
    #: Revisions that the clock must look at: with replicas, or with requests that wait.
    active: set[Pool]

    def wake(self, pool: Pool) -> None:
        """Requests wait for a revision without replicas."""

    def promote(self, link: ReplicaLink) -> None:
        """Put a standby into rotation."""

    def rerouted(self, pool: Pool) -> None:
        """The snapshot says something new of a revision."""

    def report_hung(self, link: ReplicaLink) -> None:
        """A replica neither answers nor dies."""

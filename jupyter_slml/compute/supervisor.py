"""What the runner asks of whoever looks after one order, and what it gives them.

The runner knows supervisors by the order's kind alone: `processes/runner.py` hands in the class for attempts (this room) and
the class for replicas (the serving room).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from jupyter_slml.compute.fork import Child
from jupyter_slml.compute.input_cache import InputCache
from jupyter_slml.compute.runners import held, own_lock
from jupyter_slml.domain.instances import GIB
from jupyter_slml.domain.orders import AttemptOrder, Limits, ReplicaOrder
from jupyter_slml.ports.blobs import Blobs

#: One message of a supervisor, as it travels; its `kind` is `started`, `first_line`, `ready`, `progress`, `log`,
#: `waits` or `ended`.
Message = dict[str, Any]

#: Hand a message to everybody who follows the order now. Never blocks, called on the runner's event loop.
Emit = Callable[[Message], None]


class Fork(Protocol):
    """Ask the zygote for a child; waits while the zygote is starting.

    `fds` are stdout, stderr and the messages fd, in this order; they stay the caller's to close. With `gate`, the child does
    nothing until `Child.go()`, and its timeout begins there. It sees the GPUs that `limits` allow, and no others. `env` is
    added to its environment. `cwd` must exist.
    Raises `Unavailable` when no zygote can be started.
    """

    async def __call__(
        self,
        program: str,
        payload: Mapping[str, Any],
        limits: Limits,
        fds: Sequence[int],
        *,
        gate: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Child: ...


@dataclass(frozen=True, kw_only=True)
class RunnerContext:
    """What a supervisor may use. One per runner."""

    #: Identity of this runner (a new one each time it starts) and the name of its host.
    runner: str
    host: str
    #: Short private directory for sockets and connection files.
    run: Path
    #: Private directory on disk: `scratch/<host>/<order>`, `cache` and `checkpoints/<job>` lie below it. Several hosts may
    #: share it.
    data: Path
    blobs: Blobs
    fork: Fork
    #: Bytes that copies of inputs may take on this host.
    cache_bytes: int = 20 * GIB
    #: An older runner is still at work on this host.
    has_elders: bool = False

    @property
    def cache(self) -> Path:
        """Where `Blobs.local` keeps copies of remote bytes."""
        return self.data / "cache"

    @cached_property
    def inputs(self) -> InputCache:
        """Copies of remote inputs; each host has its own, for only its own runner knows which are in use."""
        place = f"{self.host}.{self.runner}" if self.has_elders else self.host
        return InputCache(self.data / "inputs" / place, self.cache_bytes)

    def lives(self, runner: str) -> bool:
        """Whether another runner of this host is still at work."""
        return runner != self.runner and held(own_lock(self.run, runner))

    def scratch(self, order_id: str) -> Path:
        """A directory for one order, removed by whoever made it."""
        return self.data / "scratch" / self.host / order_id

    def checkpoints(self, job: str) -> Path:
        """A directory that survives attempts."""
        return self.data / "checkpoints" / job


class Supervisor(Protocol):
    """Looks after one order from its start to its end. Made once per order id, lives on the runner's event loop."""

    def __init__(self, order: Any, context: RunnerContext) -> None:
        """`order` is the validated AttemptOrder or ReplicaOrder."""

    async def run(self, emit: Emit) -> Message:
        """Carry the order out. Returns the last message, `{"kind": "ended", …}`, when nothing of it is left running.

        An exception counts as a fault of the platform. Cancellation means that the runner is leaving: end everything now.
        """

    async def stop(self, reason: str, grace: float) -> None:
        """Make `run` return soon. May come at any time, also before `run` has begun, and more than once."""

    def replay(self) -> list[Message]:
        """What somebody who attaches late must hear first: `started`, `first_line` or `ready`, last `progress` and `log`."""


#: By kind of order.
Supervisors = Mapping[str, type[Supervisor]]


def parse_order(data: Mapping[str, Any]) -> AttemptOrder | ReplicaOrder:
    """Validate an order from the wire. Raises Invalid."""
    return ReplicaOrder.parse(data) if data.get("kind") == "replica" else AttemptOrder.parse(data)

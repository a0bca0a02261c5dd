"""One order as the daemon's half follows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from jupyter_slml.compute.capacity import Resources
from jupyter_slml.domain.orders import AttemptOrder, ReplicaOrder
from jupyter_slml.domain.outcomes import Outcome
from jupyter_slml.ports.compute import Observer


@dataclass(eq=False)
class Tracked:
    """What is known of an order between `submit` and its one ended call."""

    order: AttemptOrder | ReplicaOrder
    resources: Resources = field(init=False)
    #: The Dask future of the supervising task, and the task that waits for it.
    future: Any = None
    watch: asyncio.Task[None] | None = None
    #: Where it runs: Dask address of the worker and name of the host.
    address: str | None = None
    host: str | None = None
    started: bool = False
    #: Whether the observer has heard that the cell has begun.
    begun: bool = False
    #: What it waits for, in its runner.
    waits: str = ""
    stopping: tuple[str, float] | None = None
    settled: bool = False
    recovering: bool = False
    #: How often it was given to the cluster again.
    moves: int = 0

    def __post_init__(self) -> None:
        self.resources = self.order.resources

    @property
    def is_attempt(self) -> bool:
        return isinstance(self.order, AttemptOrder)

    def hear(self, message: dict[str, Any], observer: Observer) -> None:
        """Pass a message that is not the last one on to the observer."""
        name = self.order.id
        match message["kind"]:
            case "started":
                self.address, self.host = message["address"], message["host"]
                if self.started:
                    return
                self.started = True
                if self.is_attempt:
                    observer.attempt_started(name, message["host"], message["pid"], message["at"])
                else:
                    observer.replica_started(name, message["host"], message["pid"])
            case "first_line":
                if not self.begun:
                    self.begun = True
                    observer.attempt_first_line(name, message["at"])
            case "progress":
                observer.attempt_progress(name, message["metrics"])
            case "log":
                observer.attempt_logged(name, message["sequence"])
            case "waits":
                self.waits = message["message"]
                observer.attempt_waits(name, self.waits)
            case "ready":
                observer.replica_ready(name, message["phases"])

    def end(self, message: dict[str, Any], observer: Observer) -> None:
        """Pass the last message of a replica, or a committed outcome, on to the observer, once."""
        if self.settled:
            return
        self.settled = True
        if not self.is_attempt:
            state = message.get("state", "lost")
            error = message.get("error")
            if error is not None:
                # Dask's messages make tuples of lists, which are no JSON.
                error = {**error, "traceback": list(error["traceback"])}
            observer.replica_ended(self.order.id, state, message.get("message", ""), error)
            return
        observer.attempt_ended(message["outcome"])


def outcome_of(message: dict[str, Any]) -> Outcome | None:
    """The outcome in a message of a runner; None when it is none of ours."""
    try:
        return Outcome.model_validate(message.get("outcome"))
    except ValidationError:
        return None

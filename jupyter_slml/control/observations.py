"""What the cluster reports, kept until the reconciler has committed it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_slml.control.bus import Bus
from jupyter_slml.domain.outcomes import Outcome

#: What to look at: (kind, id).
Key = tuple[str, str]


@dataclass(frozen=True)
class Started:
    host: str
    pid: int
    at: float | None = None


@dataclass(frozen=True)
class FirstLine:
    at: float


@dataclass(frozen=True)
class Progress:
    metrics: dict[str, float]


@dataclass(frozen=True)
class Waits:
    #: Empty when it goes on.
    reason: str


@dataclass(frozen=True)
class Ready:
    phases: dict[str, float]


@dataclass(frozen=True)
class ReplicaEnded:
    state: str
    message: str
    error: dict[str, Any] | None


@dataclass(frozen=True)
class Woken:
    """A gateway has had a replica started by itself, or has put a standby into rotation."""

    endpoint: str
    revision: str
    replica: str
    at: float
    #: When it answered; None while it starts.
    ready_at: float | None
    standby: bool
    #: It could not be started.
    failed: bool


@dataclass(frozen=True)
class Hung:
    """A gateway has let go of a replica that neither answers nor dies."""

    endpoint: str
    revision: str
    replica: str


Observation = Started | FirstLine | Progress | Waits | Ready | ReplicaEnded | Outcome


class Observations:
    """`ports.compute.Observer`: keeps reports per subject, in order, and asks for a look at the subject."""

    def __init__(self, bus: Bus, look: Callable[[Key], None]) -> None:
        self._bus, self._look = bus, look
        self._heard: dict[Key, deque[Observation]] = {}

    def first(self, key: Key) -> Observation | None:
        """The oldest report about a subject that is not committed yet."""
        heard = self._heard.get(key)
        return heard[0] if heard else None

    def committed(self, key: Key) -> None:
        """Drop the oldest report: it is in the database."""
        heard = self._heard[key]
        heard.popleft()
        if not heard:
            del self._heard[key]

    def attempt_started(self, attempt: str, host: str, pid: int, at: float) -> None:
        self._hear(("attempt", attempt), Started(host, pid, at))

    def attempt_first_line(self, attempt: str, at: float) -> None:
        self._hear(("attempt", attempt), FirstLine(at))

    def attempt_progress(self, attempt: str, metrics: dict[str, float]) -> None:
        self._hear(("attempt", attempt), Progress(metrics))

    def attempt_logged(self, attempt: str, sequence: int) -> None:
        self._bus.notify(("log", attempt))

    def attempt_waits(self, attempt: str, reason: str) -> None:
        self._hear(("attempt", attempt), Waits(reason))

    def attempt_ended(self, outcome: Outcome) -> None:
        self._hear(("attempt", outcome.attempt), outcome)

    def replica_started(self, replica: str, host: str, pid: int) -> None:
        self._hear(("replica", replica), Started(host, pid))

    def replica_ready(self, replica: str, phases: dict[str, float]) -> None:
        self._hear(("replica", replica), Ready(phases))

    def replica_ended(self, replica: str, state: str, message: str, error: dict[str, Any] | None) -> None:
        self._hear(("replica", replica), ReplicaEnded(state, message, error))

    def cluster_changed(self) -> None:
        self._look(("adopt", ""))
        self._look(("queue", ""))

    def _hear(self, key: Key, report: Observation) -> None:
        self._heard.setdefault(key, deque()).append(report)
        self._look(key)

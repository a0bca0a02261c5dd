"""What an endpoint does and has cost, as a card shows it."""

from __future__ import annotations

from pydantic import Field

from jupyter_slml.domain.model import Frozen


class ColdStarts(Frozen):
    """The newest starts of replicas, from the order until the gateway knew them."""

    count: int
    #: Milliseconds: median of the whole, and of each phase (fork, load, sample, …) by the replica's own clock.
    median: float | None = None
    phases: dict[str, float] = Field(default_factory=dict)


class EndpointLoad(Frozen):
    """Figures of one endpoint over the last `window` seconds; None where nothing was measured."""

    at: float
    window: float
    requests: int
    #: Requests per second; share of answers of 500 and more; share of answers of 400 to 499.
    rate: float
    error_rate: float
    refused_rate: float
    #: Milliseconds from a request's arrival to its answer.
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    #: Requests with a replica, and requests that wait for one, now.
    in_flight: int = 0
    waiting: int = 0
    ready: int = 0
    standby: int = 0
    #: Requests per second by revision number.
    rates: dict[str, float] = Field(default_factory=dict)
    cold_starts: ColdStarts
    #: Since the endpoint was made: seconds of all its replicas, and what they cost at their instance types' prices.
    replica_seconds: float
    cost: float

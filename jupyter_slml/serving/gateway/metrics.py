"""What `/metrics` shows, in Prometheus' text format.

A gateway gives samples; whoever is asked joins its own with those of the other gateways on the same port, each with its
number as a label, so that it does not matter which of them a scrape reaches.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.latencies import middle

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.endpoint import Endpoint
    from jupyter_slml.serving.gateway.pool import Pool

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

#: Name without its prefix, labels, value.
Sample = tuple[str, Mapping[str, str], float]

PREFIX = "slml_"
FAMILIES = {
    "requests_total": ("counter", "Requests by endpoint, variant and status of the answer."),
    "request_seconds": ("histogram", "From the last byte of a request to its answer, for answers of a replica."),
    "batch_size": ("histogram", "Requests per batch."),
    "replica_busy_seconds_total": ("counter", "Time that replicas were at their batches."),
    "queue_length": ("gauge", "Requests that wait."),
    "in_flight": ("gauge", "Requests that are with a replica."),
    "replicas": ("gauge", "Replicas by state: ready, standby, held."),
    "cold_starts_total": ("counter", "Replicas that the gateway had started because a request waited."),
    "cold_start_seconds_total": ("counter", "Time of those starts by phase; divide by their number."),
    "connections": ("gauge", "Open connections of clients."),
    "held_bytes": ("gauge", "Bytes of bodies in memory."),
    "log_dropped_total": ("counter", "Requests that the request log left out because there were too many."),
    "gateway_cpu_seconds_total": ("counter", "Processor time of the gateway."),
    "gateway_resident_bytes": ("gauge", "Largest resident memory of the gateway."),
}
#: Upper bounds of the latency histogram in seconds.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def of_pool(endpoint: Endpoint, pool: Pool) -> Iterable[Sample]:
    """The samples of one revision."""
    labels = {"endpoint": endpoint.name, "variant": pool.variant}
    for status, count in sorted(pool.counts.items()):
        yield "requests_total", {**labels, "code": str(status)}, count
    counts = pool.latency.sparse()
    yield from _histogram("request_seconds", labels, counts, BOUNDS, lambda bucket: middle(bucket) / 1e6)
    sizes = {index: count for index, count in enumerate(pool.sizes) if count}
    bounds = [2.0**power for power in range(len(pool.sizes) - 1)]
    yield from _histogram("batch_size", labels, sizes, bounds, lambda index: 2.0**index)
    yield "replica_busy_seconds_total", labels, pool.busy
    yield "queue_length", labels, len(pool.queue)
    yield "in_flight", labels, sum(len(link.batch or ()) for link in pool.links)
    yield "replicas", {**labels, "state": "ready"}, pool.rotation
    yield "replicas", {**labels, "state": "standby"}, sum(link.standby for link in pool.links)
    yield "replicas", {**labels, "state": "held"}, sum(link.out for link in pool.links)


def of_process(connections: int, held: int, dropped: int, starts: int, phases: Mapping[str, float]) -> Iterable[Sample]:
    """The samples of one gateway; phases in milliseconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield "connections", {}, connections
    yield "held_bytes", {}, held
    yield "log_dropped_total", {}, dropped
    yield "cold_starts_total", {}, starts
    for phase, took in sorted(phases.items()):
        yield "cold_start_seconds_total", {"phase": phase}, took / 1000
    yield "gateway_cpu_seconds_total", {}, used.ru_utime + used.ru_stime
    yield "gateway_resident_bytes", {}, used.ru_maxrss * 1024


def render(samples: Iterable[Sequence[Any]]) -> bytes:
    """Samples as text, those of one family together, as the format wants it."""
    families: dict[str, list[str]] = {name: [] for name in FAMILIES}
    for name, labels, value in samples:
        family = name if name in families else name.rpartition("_")[0]
        if family in families:
            told = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
            families[family].append(f"{PREFIX}{name}{{{told}}} {_number(value)}")
    lines = []
    for name, found in families.items():
        if found:
            kind, meaning = FAMILIES[name]
            lines += [f"# HELP {PREFIX}{name} {meaning}", f"# TYPE {PREFIX}{name} {kind}", *found]
    return ("\n".join(lines) + "\n").encode()


def _histogram(
    name: str, labels: Mapping[str, str], counts: Mapping[int, int], bounds: Sequence[float], value: Any
) -> Iterable[Sample]:
    total, weighted = 0, 0.0
    below = [0] * len(bounds)
    for bucket, count in counts.items():
        size = value(bucket)
        total += count
        weighted += size * count
        for index, bound in enumerate(bounds):
            if size <= bound:
                below[index] += count
    for bound, count in zip(bounds, below, strict=True):
        yield f"{name}_bucket", {**labels, "le": _number(bound)}, count
    yield f"{name}_bucket", {**labels, "le": "+Inf"}, total
    yield f"{name}_sum", labels, weighted
    yield f"{name}_count", labels, total


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

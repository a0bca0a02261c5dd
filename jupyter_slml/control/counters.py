"""Counters that only rise, of several gateways that come and go, turned into what happened since the last look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_slml.control.gateway import merged
from jupyter_slml.domain.scaling import Reading

#: Revision's counters by (endpoint, revision).
Counts = dict[tuple[str, str], Mapping[str, Any]]

#: More revisions than that are not remembered; then all are asked for anew.
MOST = 20_000

_ZERO: Mapping[str, Any] = {"arrivals": 0, "answered": 0, "busy": 0.0, "batches": 0, "latency": {}}


class Counters:
    """Remembers what each gateway said last. `began` is the time (seconds since 1970) from which on a gateway that is new
    here has counted nothing that somebody else has seen."""

    def __init__(self, began: float) -> None:
        self._began = began
        #: By gateway: when it was started, and what each revision counted last. It may have been asked for the active ones
        #: only: one that is missing has not counted since.
        self._known: dict[int, tuple[float, Counts]] = {}

    def knows(self, number: int) -> bool:
        """Whether a gateway was heard. The first time it must be asked for all that it has."""
        return number in self._known

    def read(self, said: Sequence[Mapping[str, Any]], seconds: float) -> dict[tuple[str, str], Reading]:
        """What the gateways counted in the last `seconds`, by (endpoint, revision)."""
        before: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for answer in said:
            started, known = self._known.get(answer["gateway"], (None, {}))
            fresh = answer["started_at"] != started
            found = _flat(answer)
            if fresh:
                # Another process, whose counters began anew; or one that counted before this daemon lived.
                known = {} if answer["started_at"] >= self._began or started is not None else found
            for key in found:
                before.setdefault(key, []).append(known.get(key, _ZERO))
            kept = ({} if fresh else known) | found
            if len(kept) > MOST:
                del self._known[answer["gateway"]]
            else:
                self._known[answer["gateway"]] = answer["started_at"], kept
        summed = _flat(merged(said)) if said else {}
        return {key: _reading(seconds, counts, before[key]) for key, counts in summed.items()}


def _flat(answer: Mapping[str, Any]) -> Counts:
    return {
        (name, revision): counts
        for name, endpoint in answer["endpoints"].items()
        for revision, counts in endpoint["revisions"].items()
    }


def _reading(seconds: float, counts: Mapping[str, Any], before: list[Mapping[str, Any]]) -> Reading:
    def rise(name: str) -> Any:
        return counts[name] - sum(item[name] for item in before)

    latency = Counter({int(bucket): count for bucket, count in counts["latency"].items()})
    for item in before:
        latency.subtract({int(bucket): count for bucket, count in item["latency"].items()})
    return Reading(
        seconds,
        arrivals=rise("arrivals"),
        answered=rise("answered"),
        busy=rise("busy"),
        batches=rise("batches"),
        in_flight=counts["in_flight"],
        waiting=counts["waiting"],
        ready=counts["ready"],
        latency=+latency,
    )

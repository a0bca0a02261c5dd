"""Which replicas are out of rotation, and which standbys were put into it: remembered for when they connect anew."""

from __future__ import annotations

from math import inf
from typing import Any

#: The most that are remembered.
REMEMBERED = 1024


class Rotation:
    """By replica id. Times are those of `time.monotonic`."""

    def __init__(self) -> None:
        #: Until when a replica is held back; None: it is out for good.
        self._out: dict[str, float | None] = {}
        self._promoted: dict[str, None] = {}

    def is_out(self, replica: str) -> bool:
        return replica in self._out

    def is_promoted(self, replica: str) -> bool:
        return replica in self._promoted

    def drop(self, replica: str) -> None:
        """Out for good."""
        _remember(self._out, replica, None)

    def hold(self, replica: str, until: float = inf) -> None:
        """Out until it is released or the time has come; said again, it is the new time that counts."""
        if self._out.get(replica, until) is not None:
            _remember(self._out, replica, until)

    def release(self, replica: str) -> bool:
        """Whether it was held back, and is no more."""
        held = self._out.get(replica) is not None
        if held:
            del self._out[replica]
        return held

    def promote(self, replica: str) -> None:
        """A standby takes requests from now on."""
        _remember(self._promoted, replica, None)

    def lapsed(self, now: float) -> list[str]:
        """Those that are held back for longer than they should be."""
        return [replica for replica, until in self._out.items() if until is not None and until <= now]


def _remember(memory: dict[str, Any], replica: str, value: Any) -> None:
    memory.pop(replica, None)
    memory[replica] = value
    while len(memory) > REMEMBERED:
        del memory[next(iter(memory))]

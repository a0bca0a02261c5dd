"""The metrics of one attempt: every point up to a limit, and the last value of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_slml.compute.chunks import Chunks

#: Points that are stored for one attempt; of later ones only the last values are known.
MOST_POINTS = 1_000_000
#: Different names.
MOST_NAMES = 500
LONGEST_NAME = 200


class Metrics:
    """Takes points from the cell, from autolog and from metric patterns; calls `changed` after each."""

    def __init__(
        self, chunks: Chunks, last: dict[str, float], changed: Callable[[], None], limit: int = MOST_POINTS
    ) -> None:
        self.chunks = chunks
        #: Last value of each.
        self.last = last
        self._changed = changed
        self._limit = limit
        self._points = 0
        self._dropped_names: set[str] = set()

    def add(self, values: Mapping[str, float], step: int | None, at: float | None = None) -> None:
        known = {}
        for given, value in values.items():
            # Half a surrogate pair, which no store or wire takes.
            name = given.encode(errors="replace").decode()
            if name in self.last or (len(self.last) < MOST_NAMES and len(name) <= LONGEST_NAME):
                known[name] = self.last[name] = float(value)
            elif len(self._dropped_names) < MOST_NAMES:
                self._dropped_names.add(name[:LONGEST_NAME])
        if not known:
            return
        self._points += 1
        if self._points <= self._limit:
            self.chunks.add({"t": time.time() if at is None else at, "step": step, "values": known})
        self._changed()

    def hear(self, message: Mapping[str, Any]) -> None:
        """A point as a child says it."""
        self.add(message["values"], message.get("step"), message.get("at"))

    def losses(self) -> list[str]:
        """Sentences that say what was dropped."""
        told = []
        if self._points > self._limit:
            told.append(
                f"{self._points - self._limit} metric points were left out: the first {self._limit} of an attempt are kept, "
                "and the last value of each metric."
            )
        if self._dropped_names:
            example = min(self._dropped_names)
            told.append(f"An attempt has at most {MOST_NAMES} metrics; others were left out, for example {example!r}.")
        return told

"""What a job logged, point by point: as a table to look at, and thinned out for a card."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.curves import Curve, curves
from jupyter_slml.errors import Invalid, SlmlError

if TYPE_CHECKING:
    from jupyter_slml.client import Client
    from jupyter_slml.domain.records import Job
    from jupyter_slml.domain.views import MetricPoint

#: A reading of all points is repeated after so many times the seconds that it took.
_SHARE = 10.0
_SOONEST = 1.0


class Curves:
    """The curves of one job for its card. A job may have logged a million points, so they are read seldom while it runs."""

    def __init__(self, client: Client, job: str) -> None:
        self._client = client
        self._job = job
        self._known: dict[str, Curve] = {}
        self._state: object = None
        self._next = -math.inf

    def read(self, record: Job) -> dict[str, Curve]:
        """As new as can be when the job has ended; else perhaps some seconds old."""
        state = (record.metrics, record.state.is_final)
        began = time.monotonic()
        if not record.metrics or state == self._state or (began < self._next and not record.state.is_final):
            return self._known
        try:
            self._known = curves(point.model_dump() for point in self._client.jobs.metrics(self._job).points)
        except SlmlError:
            return self._known
        self._state = state
        self._next = time.monotonic() + max(_SOONEST, _SHARE * (time.monotonic() - began))
        return self._known


def as_table(points: Sequence[MetricPoint]) -> Any:
    """A DataFrame (`step`, `time`, `attempt`, a column for each metric) when pandas is loaded, else the points as dicts."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return [point.model_dump() for point in points]
    rows = [{**point.values, "step": point.step, "time": point.t, "attempt": point.attempt} for point in points]
    own = ("step", "time", "attempt")
    names = list(dict.fromkeys(name for point in points for name in point.values if name not in own))
    frame = pandas.DataFrame(rows, columns=[*own, *names])
    return frame.assign(step=frame["step"].astype("Int64"), time=pandas.to_datetime(frame["time"], unit="s", utc=True))


def chosen(points: Sequence[MetricPoint], names: Sequence[str], most: int) -> dict[str, Curve]:
    """The curves of these metrics, or of all. Raises Invalid for a metric that was not logged."""
    found = curves((point.model_dump() for point in points), most)
    for name in names:
        if name not in found:
            raise Invalid(
                f"The job logged no metric {name!r}.",
                field="metrics",
                value=name,
                remedy=f"It logged: {', '.join(found) or 'nothing'}.",
            )
    return {name: found[name] for name in (names or found)}

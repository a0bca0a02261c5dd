"""Metric curves, small enough to draw: a picture a hundred points wide needs no million of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

#: `[step, value]` pairs.
Curve = list[list[float]]

MOST_POINTS = 100


def curves(points: Iterable[Mapping[str, Any]], most: int = MOST_POINTS) -> dict[str, Curve]:
    """By metric, from points `{attempt, step, values}` in the order in which they were logged.

    A point without a step counts as the next one of its metric and attempt. An attempt writes a curve anew from the first
    step that it logs: one that goes on from a checkpoint continues the curve of the one before, and what that one had
    logged beyond the checkpoint is dropped. Values that cannot be drawn (NaN, infinite) are left out.
    """
    whole: dict[str, Curve] = {}
    writers: dict[str, int] = {}
    for point in points:
        attempt = point.get("attempt", 1)
        for name, value in point["values"].items():
            if value is None or not math.isfinite(value):
                continue
            curve = whole.setdefault(name, [])
            goes_on = writers.get(name) == attempt and curve
            step = point.get("step")
            if step is None:
                step = curve[-1][0] + 1 if goes_on else 0
            if not goes_on:
                writers[name] = attempt
                curve[:] = [known for known in curve if known[0] < step]
            curve.append([step, value])
    return {name: thinned(curve, most) for name, curve in whole.items()}


def thinned(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """At most `most` points, first and last among them. Of each stretch lowest and highest stay: no spike is lost."""
    if len(curve) <= most:
        return curve
    stretches = (most - 2) // 2
    inner = curve[1:-1]
    kept = [curve[0]]
    for number in range(stretches):
        start, end = number * len(inner) // stretches, (number + 1) * len(inner) // stretches
        indices = range(start, end)
        lowest = min(indices, key=lambda index: inner[index][1])
        highest = max(indices, key=lambda index: inner[index][1])
        kept += [inner[index] for index in sorted({lowest, highest})]
    return [*kept, curve[-1]]

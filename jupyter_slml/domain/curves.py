"""Metric curves, small enough to draw: a picture a hundred points wide needs no million of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

#: `[step, value]` pairs.
Curve = list[list[float]]

MOST_POINTS = 100


def curves(points: Iterable[Mapping[str, Any]], most: int = MOST_POINTS) -> dict[str, Curve]:
    """By metric, from points `{step, values}` in the order in which they were logged.

    A point without a step counts as the next one of its metric. Values that cannot be drawn (NaN, infinite) are left out.
    """
    whole: dict[str, Curve] = {}
    for point in points:
        for name, value in point["values"].items():
            if value is None or not math.isfinite(value):
                continue
            curve = whole.setdefault(name, [])
            step = point.get("step")
            curve.append([curve[-1][0] + 1 if curve else 0] if step is None else [step])
            curve[-1].append(value)
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

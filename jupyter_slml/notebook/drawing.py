"""Small pictures of metrics as svg: no script, no style sheet, the colour of the text around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[Sequence[float]]

#: Told apart also by who sees no red or green.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


def spark(name: str, points: Points) -> str:
    """One curve, a word high; empty for less than two points."""
    if len(points) < 2:
        return ""
    width, height = 120, 24
    line = _line(points, _bounds([points]), (1, 1, width - 1, height - 1))
    said = f"{name}: {points[0][1]:.6g} to {points[-1][1]:.6g} in {len(points)} points"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(said)}">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )


def chart(curves: Mapping[str, Points]) -> str:
    """All curves on one pair of axes, with a legend."""
    width, height = 480, 260
    box = (56, 12, width - 12, height - 32)
    bounds = _bounds([points for points in curves.values() if points])
    low, bottom, high, top = bounds
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 18 * len(curves)}" '
        f'font-family="sans-serif" font-size="11" role="img" aria-label="{escape(", ".join(curves))}">',
        f'<rect x="{box[0]}" y="{box[1]}" width="{box[2] - box[0]}" height="{box[3] - box[1]}" fill="none" stroke="#888"/>',
        _text(box[0], box[3] + 14, f"{low:g}", "middle"),
        _text(box[2], box[3] + 14, f"{high:g}", "middle"),
        _text((box[0] + box[2]) / 2, box[3] + 14, "step", "middle"),
        _text(box[0] - 4, box[3], f"{bottom:.4g}", "end"),
        _text(box[0] - 4, box[1] + 10, f"{top:.4g}", "end"),
    ]
    for index, (name, points) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        line = _line(points, bounds, box)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(points) == 1:
            x, y = line.split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        y_legend = height + 18 * index
        parts.append(f'<rect x="{box[0]}" y="{y_legend}" width="10" height="10" fill="{colour}"/>')
        last = f" {points[-1][1]:.6g}" if points else ""
        parts.append(_text(box[0] + 16, y_legend + 9, f"{name}{last}", "start"))
    return "".join([*parts, "</svg>"])


def _bounds(curves: Sequence[Points]) -> tuple[float, float, float, float]:
    steps = [point[0] for points in curves for point in points] or [0.0]
    values = [point[1] for points in curves for point in points] or [0.0]
    return min(steps), min(values), max(steps), max(values)


def _line(points: Points, bounds: tuple[float, float, float, float], box: tuple[float, float, float, float]) -> str:
    low, bottom, high, top = bounds
    left, upper, right, lower = box

    def place(value: float, start: float, end: float, first: float, last: float) -> float:
        # Divided first: the range itself may be larger than a float holds.
        return (
            (first + last) / 2 if end <= start else first + (value / 2 - start / 2) / (end / 2 - start / 2) * (last - first)
        )

    return " ".join(
        f"{place(step, low, high, left, right):.1f},{place(value, bottom, top, lower, upper):.1f}" for step, value in points
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'

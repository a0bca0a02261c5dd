"""Figures of an evaluation: what they hold as JSON, and how they are drawn as svg, without script or style sheet.

`Figures` is what an evaluation stores as its curves: name (`roc`, `confusion`, …) → one of the four kinds below.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, TypeAdapter, model_validator

from jupyter_slml.domain.model import Frozen

#: Told apart also by who sees no red or green.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")

_WIDTH, _HEIGHT = 360, 270
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 24, 348, 226
#: What is drawn of a long list of names.
_MOST_BARS = 20
_MOST_CLASSES = 12

Point = tuple[FiniteFloat, FiniteFloat]


class Lines(Frozen):
    """Curves over one pair of axes, by name: ROC, precision and recall, calibration."""

    kind: Literal["lines"] = "lines"
    title: str = ""
    x: str
    y: str
    lines: dict[str, list[Point]]
    #: Whether the line of chance or of perfect agreement is drawn.
    diagonal: bool = False


class Points(Frozen):
    """A cloud: residuals over predictions."""

    kind: Literal["points"] = "points"
    title: str = ""
    x: str
    y: str
    points: list[Point]


class Bars(Frozen):
    """A number for each name, largest first: importance of features."""

    kind: Literal["bars"] = "bars"
    title: str = ""
    x: str
    bars: list[tuple[str, FiniteFloat]]


class Matrix(Frozen):
    """Counts of actual classes (rows) by predicted ones: the confusion matrix."""

    kind: Literal["matrix"] = "matrix"
    title: str = ""
    labels: list[str]
    counts: list[list[int]]

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.labels)
        if len(self.counts) != size or any(len(row) != size for row in self.counts):
            raise ValueError("a confusion matrix has a row and a column for each label")
        return self


Figure = Annotated[Lines | Points | Bars | Matrix, Field(discriminator="kind")]
Figures = dict[str, Figure]
FIGURES: TypeAdapter[Figures] = TypeAdapter(Figures)


def draw(figure: Lines | Points | Bars | Matrix, name: str = "") -> str:
    """The figure as one svg; `name` is its title when it has none."""
    title = figure.title or name
    match figure:
        case Lines():
            body, height = _lines(figure)
        case Points():
            body, height = _points(figure)
        case Bars():
            body, height = _bars(figure)
        case Matrix():
            body, height = _matrix(figure)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11" role="img" aria-label="{escape(title)}">'
        f"{_text(_WIDTH / 2, 14, title, 'middle', 'bold')}{body}</svg>"
    )


def _lines(figure: Lines) -> tuple[str, int]:
    everything = [point for line in figure.lines.values() for point in line]
    if figure.diagonal:
        everything += [(0.0, 0.0), (1.0, 1.0)]
    frame = _Frame(everything)
    parts = [frame.axes(figure.x, figure.y)]
    if figure.diagonal:
        parts.append(
            f'<polyline points="{frame.path([(0.0, 0.0), (1.0, 1.0)])}" fill="none" stroke="#888" stroke-dasharray="3 3"/>'
        )
    for index, (name, line) in enumerate(figure.lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        parts.append(f'<polyline points="{frame.path(line)}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        below = _HEIGHT + 16 * index
        parts.append(f'<rect x="{_LEFT}" y="{below - 8}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(_LEFT + 16, below + 1, name, "start"))
    return "".join(parts), _HEIGHT + 16 * len(figure.lines)


def _points(figure: Points) -> tuple[str, int]:
    frame = _Frame(figure.points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{COLOURS[0]}" fill-opacity="0.5"/>'
        for x, y in map(frame.place, figure.points)
    )
    zero = ""
    if frame.bottom < 0 < frame.top:
        level = frame.place((frame.low, 0.0))[1]
        zero = f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="#888" stroke-dasharray="3 3"/>'
    return frame.axes(figure.x, figure.y) + zero + dots, _HEIGHT


def _bars(figure: Bars) -> tuple[str, int]:
    shown = figure.bars[:_MOST_BARS]
    most = max((abs(value) for _, value in shown), default=0.0) or 1.0
    left, parts = 150, []
    for index, (name, value) in enumerate(shown):
        y = _TOP + 18 * index
        width = abs(value) / most * (_RIGHT - left - 60)
        parts.append(_text(left - 6, y + 11, _short(name, 22), "end"))
        parts.append(f'<rect x="{left}" y="{y + 2}" width="{width:.1f}" height="12" fill="{COLOURS[0]}"/>')
        parts.append(_text(left + width + 4, y + 12, f"{value:.4g}", "start"))
    end = _TOP + 18 * len(shown) + 14
    more = len(figure.bars) - len(shown)
    parts.append(
        _text((left + _RIGHT) / 2, end, figure.x + (f" (the largest of {len(figure.bars)})" if more else ""), "middle")
    )
    return "".join(parts), end + 10


def _matrix(figure: Matrix) -> tuple[str, int]:
    labels, counts = figure.labels[:_MOST_CLASSES], figure.counts
    most = max((count for row in counts for count in row), default=0) or 1
    left, size = 96, min(60.0, (_RIGHT - 96) / max(1, len(labels)))
    parts = []
    for row, label in enumerate(labels):
        y = _TOP + 18 + size * row
        parts.append(_text(left - 6, y + size / 2 + 4, _short(label, 12), "end"))
        parts.append(_text(left + size * (row + 0.5), _TOP + 12, _short(label, max(3, int(size / 7))), "middle"))
        for column in range(len(labels)):
            count = counts[row][column]
            x, share = left + size * column, count / most
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{size:.1f}" fill="{COLOURS[0]}" '
                f'fill-opacity="{share:.3f}" stroke="#888"/>'
            )
            ink = "#fff" if share > 0.5 else "currentColor"
            parts.append(_text(x + size / 2, y + size / 2 + 4, f"{count:,}", "middle", ink=ink))
    end = _TOP + 18 + size * len(labels) + 16
    cut = f", {len(labels)} of {len(figure.labels)} classes" if len(labels) < len(figure.labels) else ""
    parts.append(_text(left + size * len(labels) / 2, end, f"rows: actual, columns: predicted{cut}", "middle"))
    return "".join(parts), int(end) + 10


class _Frame:
    """Places values on the axes."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.low, self.high = _span([point[0] for point in points])
        self.bottom, self.top = _span([point[1] for point in points])

    def place(self, point: Point) -> Point:
        x = _LEFT + (point[0] - self.low) / (self.high - self.low) * (_RIGHT - _LEFT)
        y = _BOTTOM - (point[1] - self.bottom) / (self.top - self.bottom) * (_BOTTOM - _TOP)
        return x, y

    def path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.place, points))

    def axes(self, x: str, y: str) -> str:
        middle = (_TOP + _BOTTOM) / 2
        width, height = _RIGHT - _LEFT, _BOTTOM - _TOP
        return "".join(
            [
                f'<rect x="{_LEFT}" y="{_TOP}" width="{width}" height="{height}" fill="none" stroke="#888"/>',
                _text(_LEFT, _BOTTOM + 14, f"{self.low:.4g}", "middle"),
                _text(_RIGHT, _BOTTOM + 14, f"{self.high:.4g}", "end"),
                _text((_LEFT + _RIGHT) / 2, _BOTTOM + 28, x, "middle"),
                _text(_LEFT - 4, _BOTTOM, f"{self.bottom:.4g}", "end"),
                _text(_LEFT - 4, _TOP + 10, f"{self.top:.4g}", "end"),
                f'<g transform="rotate(-90 12 {middle:g})">{_text(12, middle, y, "middle")}</g>',
            ]
        )


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(x: float, y: float, words: str, anchor: str, weight: str = "normal", ink: str = "currentColor") -> str:
    heavy = f' font-weight="{weight}"' if weight != "normal" else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{heavy} fill="{ink}">{escape(words)}</text>'

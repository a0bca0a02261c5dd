"""Plain tables and times for people."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence

import click


def table(head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print aligned columns, or the sentence `empty`."""
    if not rows:
        click.echo(empty)
        return
    cells = [[str(item) for item in row] for row in rows]
    widths = [max(_width(line[column]) for line in [list(head), *cells]) for column in range(len(head))]
    click.echo(click.style(_line(head, widths), bold=True))
    for line in cells:
        click.echo(_line(line, widths))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns that a terminal uses: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def ago(moment: float | None) -> str:
    """`12 s ago`, `3 min ago`, `2 h ago`, or a date."""
    if moment is None:
        return "-"
    seconds = time.time() - moment
    if seconds < 120:
        return f"{max(0, seconds):.0f} s ago"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 172_800:
        return f"{seconds / 3600:.0f} h ago"
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def span(start: float | None, end: float | None) -> str:
    """`240 ms`, `3.2 s`, `4 min 10 s`."""
    if start is None:
        return "-"
    seconds = max(0.0, (end or time.time()) - start)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def numbers(metrics: dict[str, float]) -> str:
    """`auc=0.912 loss=0.31`."""
    return " ".join(f"{name}={value:.4g}" for name, value in metrics.items())

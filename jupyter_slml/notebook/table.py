"""A small table for a notebook: plain text, and html without script or style sheet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from typing import Any

_CELL = "padding:2px 12px 2px 0;text-align:left;border:none"


class Table:
    """Rows with a heading. `empty` is what is shown when there are none."""

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "", empty: str = "Nothing."
    ) -> None:
        self.columns = list(columns)
        self.rows = [["" if value is None else str(value) for value in row] for row in rows]
        self.title = title
        self.empty = empty

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        head = [self.title] if self.title else []
        if not self.rows:
            return "\n".join([*head, self.empty])
        lines = [self.columns, *self.rows]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        text = ["  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*head, *text])

    def _repr_html_(self) -> str:
        head = f"<p><b>{escape(self.title)}</b></p>" if self.title else ""
        if not self.rows:
            return f"{head}<p>{escape(self.empty)}</p>"
        titles = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f'<td style="{_CELL}">{escape(value)}</td>' for value in row) + "</tr>" for row in self.rows
        )
        return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def moment(at: float) -> str:
    """Date and time here, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def human_size(size: int) -> str:
    """`0 B`, `812 B`, `3.4 KiB`, `12 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def human_seconds(seconds: float | None) -> str:
    """`0.42 s`, `12 s`, `3 min 5 s`, `2 h 4 min`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{max(seconds, 0):.2f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

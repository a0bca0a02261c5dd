"""Sizes as people read them."""

from __future__ import annotations


def size_text(count: float | None) -> str:
    """`1.50 GiB`, `64.0 MiB`, `12.0 KiB`."""
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count and count >= size:
            return f"{count / size:.2f} {unit}" if unit == "GiB" else f"{count / size:.1f} {unit}".replace(".0 ", " ")
    return f"{count or 0:g} bytes"

"""Which of two versions of the package is newer."""

from __future__ import annotations


def order(version: str) -> tuple[int, ...]:
    """To compare by: `0.10.2+local` → (0, 10, 2)."""
    return tuple(int(part) for part in version.split("+")[0].split(".")[:3] if part.isdigit())

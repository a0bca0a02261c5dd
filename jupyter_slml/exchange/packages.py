"""A model on its way in: its bytes in one of our formats, and what is known of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Package:
    """`path` holds the bytes; the rest is what the registry is told."""

    path: Path
    format: str
    type: str
    signature: dict[str, Any] | None
    #: Where it came from, for people.
    source: str
    environment: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    description: str = ""
    #: The counts of its training data, as JSON, if they came along.
    baseline: Path | None = None

    @property
    def digest(self) -> str:
        return digest(self.path)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

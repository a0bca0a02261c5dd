"""Making generic functions (`functools.singledispatch`) anew from what they were made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def register(function: Any, state: tuple[Mapping[type, Callable[..., Any]], Mapping[str, Any]]) -> None:
    """Give a new generic function its implementations by type, and its attributes. Named in stored pickles."""
    implementations, attributes = state
    for kind, implementation in implementations.items():
        function.register(kind, implementation)
    vars(function).update(attributes)

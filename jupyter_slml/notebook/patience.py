"""Reading on while the daemon is away: it is started again by the next request, and jobs do not notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from jupyter_slml.errors import Unavailable

T = TypeVar("T")

#: Seconds for which a waiting cell tries again.
PATIENCE = 60.0
_PAUSE = 0.5


def patiently(ask: Callable[[], T]) -> T:
    """The answer, also when the daemon dies meanwhile. Raises Unavailable when it stays away for `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)

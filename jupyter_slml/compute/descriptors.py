"""File descriptors that a cell cannot use up."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

#: What storing outputs and reading source lines for a traceback may need.
SPARE = 64


@contextmanager
def spare_descriptors() -> Iterator[None]:
    """A cell that has opened all files that it may leaves us some: inside, the soft limit is lower than after."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    inside = max(SPARE, soft - SPARE) if soft == hard else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (inside, hard))
    try:
        yield
    finally:
        # The cell may have set a limit of its own.
        found, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = max(found, inside) + SPARE
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))

"""Who acts."""

from __future__ import annotations

import getpass


def me() -> str:
    """Who acts when the request does not say: whoever runs the daemon, the only one who reaches its socket."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

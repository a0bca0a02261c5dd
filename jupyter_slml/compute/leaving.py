"""How a forked process ends: without the frames and the exit handlers of whom it was forked from."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def exit_code(leaving: SystemExit) -> int:
    """What the interpreter would end with."""
    return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1


def leave(code: int) -> NoReturn:
    """Write out what was printed, and end at once."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code & 0xFF)

"""Room on the disk: what does not fit is tried again for a while, for somebody may make room."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: How long a store that cannot be reached, or a disk that is full, may keep an attempt from its end.
PATIENCE = float(os.environ.get("SLML_STORE_PATIENCE", "300"))
#: With less than this free a write that failed did so for want of room. Not every library says so by errno.
LEAST = 64 * 1024

FULL = "The disk of the worker's host is full."


class NoRoom(Exception):
    """The disk was full for longer than our patience."""


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether a write below `folder` failed because the disk is full; asked before what it left is removed."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return shutil.disk_usage(folder).free < LEAST


def written(write: Callable[[], T], path: Path, waits: Callable[[str], None]) -> T:
    """Call `write`, which makes the file `path`, again while the disk is full; `waits` hears so, and "" when it is over.

    Raises NoRoom in the end, and at once what `write` raises for other reasons.
    """
    until = time.monotonic() + PATIENCE
    pause = 0.2
    told = False
    try:
        while True:
            try:
                return write()
            except Exception as error:
                if not is_full(error, path.parent):
                    raise
                path.unlink(missing_ok=True)
                if time.monotonic() > until:
                    raise NoRoom(FULL) from error
            told = True
            waits(FULL)
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
    finally:
        if told:
            waits("")

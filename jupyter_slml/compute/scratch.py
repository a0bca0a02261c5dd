"""How much disk an attempt uses below its own directories."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

#: Seconds between two looks; longer when a look is dear, so that looking takes at most a tenth of one core.
INTERVAL = 1.0
COST = 10.0
#: Seconds after which a look ends with what it has found: so many files are a lower bound, and slow.
LONGEST_LOOK = 5.0


def usage(folders: Sequence[Path]) -> int:
    """Bytes that the files below `folders` take on disk. Links are not followed, hard links count once."""
    total = 0
    seen: set[tuple[int, int]] = set()
    until = time.monotonic() + LONGEST_LOOK
    todo = [str(folder) for folder in folders]
    while todo and time.monotonic() < until:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            todo.append(entry.path)
                    except OSError:
                        continue
                    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                        identity = (status.st_dev, status.st_ino)
                        if identity in seen:
                            continue
                        seen.add(identity)
                    total += status.st_blocks * 512
        except OSError:
            continue
    return total


async def outgrown(folders: Sequence[Path], limit: int) -> int:
    """Return the bytes used as soon as they pass `limit`; until then, wait."""
    while True:
        begun = time.monotonic()
        used = await asyncio.to_thread(usage, folders)
        if used > limit:
            return used
        await asyncio.sleep(max(INTERVAL, COST * (time.monotonic() - begun)))

"""What a killed runner left on disk."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from jupyter_slml.compute.input_cache import discard

#: Checkpoints of a job that did not succeed are kept so long after they were last written.
CHECKPOINT_AGE = 30 * 24 * 3600.0


def clear(scratch: Path, checkpoints: Path, caches: Iterable[Path] = ()) -> None:
    """Delete all scratch directories of this host, whose runners are dead, checkpoints that nobody came back for, and
    caches that runners had apart."""
    shutil.rmtree(scratch, ignore_errors=True)
    for cache in caches:
        discard(cache)
    with contextlib.suppress(OSError):
        for folder in checkpoints.iterdir():
            newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            if newest < time.time() - CHECKPOINT_AGE:
                shutil.rmtree(folder, ignore_errors=True)

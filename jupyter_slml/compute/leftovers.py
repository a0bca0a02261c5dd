"""What a killed runner left on disk."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

#: Checkpoints of a job that did not succeed are kept so long after they were last written.
CHECKPOINT_AGE = 30 * 24 * 3600.0


def clear(scratch: Path, checkpoints: Path) -> None:
    """Delete all scratch directories of this host, whose runner is dead, and checkpoints that nobody came back for."""
    shutil.rmtree(scratch, ignore_errors=True)
    with contextlib.suppress(OSError):
        for folder in checkpoints.iterdir():
            newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            if newest < time.time() - CHECKPOINT_AGE:
                shutil.rmtree(folder, ignore_errors=True)

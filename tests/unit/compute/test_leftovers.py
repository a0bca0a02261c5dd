from __future__ import annotations

import os
import time
from pathlib import Path

from jupyter_slml.compute.leftovers import CHECKPOINT_AGE, clear


def test_scratch_goes_and_checkpoints_stay_for_a_while(tmp_path: Path) -> None:
    for name in ("scratch/attempt-1/work", "checkpoints/new", "checkpoints/old", "checkpoints/resumed"):
        (tmp_path / name).mkdir(parents=True)
    then = time.time() - CHECKPOINT_AGE - 10
    (tmp_path / "checkpoints/resumed/state").touch()
    for name in ("old", "resumed"):
        os.utime(tmp_path / "checkpoints" / name, (then, then))
    clear(tmp_path / "scratch", tmp_path / "checkpoints")
    assert not (tmp_path / "scratch").exists()
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["new", "resumed"]
    clear(tmp_path / "nowhere", tmp_path / "nowhere")

"""The table of a part's records that failed: JSON lines of file, row, reason and for how many records a line stands."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import BinaryIO

from jupyter_slml.compute.batch.manifest import errors_name
from jupyter_slml.compute.batch.rows import Bad
from jupyter_slml.compute.batch.target import Target


class Faults:
    """Written as they come, so that a million of them take no memory. The file appears when `stack` ends without error."""

    def __init__(self, target: Target, part: int, stack: ExitStack) -> None:
        self._target, self._name, self._stack = target, errors_name(part), stack
        self._file: BinaryIO | None = None
        self.count = 0

    def add(self, path: str, found: Bad) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(self._target.writing(self._name))
        line = {"file": path, "row": found.row, "reason": found.reason, "count": found.records}
        self._file.write(json.dumps(line).encode() + b"\n")
        self.count += found.records

    def end(self) -> None:
        """The part is done: what an earlier try of it wrote is gone, too."""
        if self._file is None and self._target.size(self._name) is not None:
            self._target.delete(self._name)

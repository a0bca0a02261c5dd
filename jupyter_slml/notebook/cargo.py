"""What travels with a cell, encoded and not yet sent."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field

from jupyter_slml.domain.specs import Capture, SourceBundle

#: Format of a module: imported by name where the cell runs, no bytes.
MODULE = "module"


@dataclass
class Cargo:
    """Everything that travels with a cell. `files` holds the encoded bytes by digest until `close`."""

    captures: list[Capture] = field(default_factory=list)
    bundle: SourceBundle | None = None
    #: Sizes of the bundled files, by path in the job.
    sizes: dict[str, int] = field(default_factory=dict)
    files: dict[str, tempfile._TemporaryFileWrapper[bytes]] = field(default_factory=dict)

    def close(self) -> None:
        for file in self.files.values():
            file.close()

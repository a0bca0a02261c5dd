"""A notebook without a server: a real IPython shell, and a fresh process that runs what it would ship."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.notebook.capture import Collector
from jupyter_slml.notebook.cargo import Cargo
from jupyter_slml.notebook.names import read_names
from jupyter_slml.notebook.source import read_source

#: What the compute side promises: modules by name, values by format, all bound in `__main__` before the cell runs there.
CHILD = """
import importlib, json, sys
from pathlib import Path
from jupyter_slml.domain import formats
place = Path(sys.argv[1])
sys.path.insert(0, str(place / "work"))
names = vars(sys.modules["__main__"])
order = json.loads((place / "order.json").read_text())
for item in order["captures"]:
    if item["format"] == "module":
        names[item["name"]] = importlib.import_module(item["digest"])
    else:
        names[item["name"]] = formats.by_key(item["format"]).read(place / item["digest"])
exec(compile(order["source"], "<cell>", "exec"), names)
"""


class Notebook:
    """Run cells, capture one, and run that one elsewhere."""

    def __init__(self, shell: InteractiveShell, folder: Path) -> None:
        self.shell = shell
        self.folder = folder

    def run(self, cell: str) -> None:
        result = self.shell.run_cell(cell)  # type: ignore[no-untyped-call]
        result.raise_error()

    def capture(self, cell: str, *, also: Collection[str] = (), without: Collection[str] = ()) -> Cargo:
        source = read_source(cell, [], self.shell)
        collector = Collector(self.shell.user_ns, Path.cwd(), hidden=self.shell.user_ns_hidden)
        return collector.collect(read_names(source), also=also, without=without)

    def elsewhere(self, cell: str, **options: Any) -> str:
        """What the cell prints in a fresh process that got its captures."""
        import zipfile

        cargo = self.capture(cell, **options)
        place = self.folder / "child"
        (place / "work").mkdir(parents=True, exist_ok=True)
        for digest, file in cargo.files.items():
            (place / digest).write_bytes(file.read())
        if cargo.bundle is not None:
            zipfile.ZipFile(place / cargo.bundle.digest).extractall(place / "work")
        cargo.close()
        captures = [capture.model_dump() for capture in cargo.captures]
        (place / "order.json").write_text(json.dumps({"captures": captures, "source": cell}))
        (place / "child.py").write_text(CHILD)
        done = subprocess.run(
            [sys.executable, str(place / "child.py"), str(place)],
            cwd=place / "work",
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

"""A job's traceback, as it should read in the notebook.

A function of the notebook carries the file name that the kernel gave to its cell; only this kernel knows which cell that
was, and its source.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence
from typing import Any

_FRAME = re.compile(
    r'  File "(?P<file>[^"]*[/\\]ipykernel_\d+[/\\][^"]+|<ipython-input-[^"]+)", line (?P<line>\d+)(?P<rest>.*)'
)


def in_notebook(traceback: Sequence[str], shell: Any) -> list[str]:
    """Name the cells of the notebook's own functions, and add the source lines that the job did not have."""
    lines = [part for text in traceback for part in text.split("\n")]
    made: list[str] = []
    for index, line in enumerate(lines):
        found = _FRAME.fullmatch(line)
        if found is None:
            made.append(line)
            continue
        made.append(f'  File "<{_cell(found["file"], shell)}>", line {found["line"]}{found["rest"]}')
        follows = lines[index + 1] if index + 1 < len(lines) else ""
        source = linecache.getline(found["file"], int(found["line"])).strip()
        if source and not follows.startswith("    "):
            made.append(f"    {source}")
    return made


def _cell(file: str, shell: Any) -> str:
    named = shell.compile.format_code_name(file) if shell is not None else None
    return str(named[1]) if named else "another cell"

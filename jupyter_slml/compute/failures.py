"""What is told of an exception of the user's: their own frames, the cell's lines, no colours."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

_MAX_LINES = 200
_MAX_TEXT = 10_000
#: Code that was written in the notebook and came with the cell. cloudpickle calls all of it `<dynamic-code>` since 3.1.3.
_NOTEBOOK = re.compile(r"<ipython-input-|/ipykernel_\d+/|<stdin>|<dynamic-code>")


def describe(error: BaseException, cell: str, folder: Path) -> dict[str, Any]:
    """A `CellError` as JSON. `cell` is the file name of the cell's code, `folder` holds the modules that travelled."""

    def own(frame: traceback.FrameSummary) -> bool:
        return frame.filename == cell or frame.filename.startswith(str(folder)) or bool(_NOTEBOOK.search(frame.filename))

    told = traceback.TracebackException.from_exception(error)
    line = _line(told, cell)
    _keep(told, own)
    text = "".join(told.format()).splitlines()
    if len(text) > _MAX_LINES:
        text = [*text[: _MAX_LINES // 2], "  …", *text[-_MAX_LINES // 2 :]]
    return {
        "ename": type(error).__name__,
        "evalue": _text(error),
        "traceback": [item[:_MAX_TEXT] for item in text],
        "line": line,
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_TEXT]
    except Exception:
        return "(its message could not be read)"


def _line(told: traceback.TracebackException, cell: str) -> int | None:
    """The innermost line of the cell."""
    lines = [frame.lineno for frame in told.stack if frame.filename == cell]
    if lines:
        return lines[-1]
    if getattr(told, "filename", None) == cell and told.lineno is not None:
        return int(told.lineno)
    return None


def _keep(told: traceback.TracebackException, own: Any) -> None:
    """Drop foreign frames here and in everything that is chained to it."""
    seen: set[int] = set()
    todo: list[traceback.TracebackException | None] = [told]
    while todo:
        item = todo.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        item.stack = traceback.StackSummary.from_list([frame for frame in item.stack if own(frame)])
        todo += [item.__cause__, item.__context__, *(item.exceptions or ())]

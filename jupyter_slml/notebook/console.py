"""`%console` and `%%console`: statements that run in a live replica of an endpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.notebook.magic import Cell, Magic, Text
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session

if TYPE_CHECKING:
    from jupyter_slml.client.consoles import Console


class ConsoleLine(Frozen):
    name: str = Field(description="Name of the endpoint.", json_schema_extra={"positional": True, "metavar": "ENDPOINT"})
    replica: str | None = Field(
        default=None,
        description="Which replica. Unset: the least busy one, and then always the same.",
        json_schema_extra={"flags": ["--replica", "-r"], "metavar": "ID"},
    )
    drain: bool = Field(
        default=False,
        description="Take the replica out of rotation until the console is closed.",
        json_schema_extra={"flags": ["--drain"]},
    )
    interrupt: bool = Field(
        default=False,
        description="First interrupt what another console runs there.",
        json_schema_extra={"flags": ["--interrupt"]},
    )
    close: bool = Field(
        default=False,
        description="Close the console afterwards; else it ends with the notebook's kernel.",
        json_schema_extra={"flags": ["--close"]},
    )


class RemoteError(Exception):
    """What code raised in the replica, drawn as it was drawn there."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        super().__init__(content["evalue"])
        self._lines = list(content["traceback"])

    def _render_traceback_(self, *_: object) -> list[str]:
        return self._lines


def open_console(session: Session, line: ConsoleLine) -> Console:
    """The notebook's console on that endpoint: the one that it has, or a new one when it asks for something else."""
    found = session.consoles.get(line.name)
    if found is not None:
        same = line.replica in (None, found.view.replica) and (found.view.drain or not line.drain)
        if found.is_open and same:
            return found
        found.close()
    found = session.client.consoles.open(line.name, replica=line.replica, drain=line.drain)
    session.consoles[line.name] = found
    return found


def close_console(session: Session, name: str) -> None:
    found = session.consoles.pop(name, None)
    if found is not None:
        found.close()


def _line(session: Session, line: ConsoleLine, cell: Cell) -> Text:
    if line.close:
        close_console(session, line.name)
        return Text(f"The console on {line.name} is closed; the replica goes on.")
    found = open_console(session, line)
    if line.interrupt:
        found.interrupt()
    view = found.view
    out = ", which takes no requests meanwhile" if view.drain else ""
    return Text(
        f"A console on {view.replica} of {view.endpoint} ({view.model}@{view.version}){out}.\n"
        f"%%console {view.endpoint} runs a cell there: model, signature and predict(rows) are its names.\n"
        f"In a terminal: jupyter slml console {view.endpoint} --replica {view.replica}\n"
        f"%console {view.endpoint} --close ends it; the replica goes on."
    )


def _cell(session: Session, line: ConsoleLine, cell: Cell) -> None:
    found = open_console(session, line)
    shown = Shown()
    try:
        if line.interrupt:
            found.interrupt()
        found.run(cell.body, shown.hear)
    finally:
        if line.close or not found.is_open:
            close_console(session, line.name)
    if shown.error is not None:
        raise shown.error


class Shown:
    """Shows what a kernel says in the cell's output; `error` is what it raised."""

    def __init__(self) -> None:
        self.error: RemoteError | None = None

    def hear(self, kind: str, content: Mapping[str, Any]) -> None:
        from IPython import display as ipython_display

        display: Any = ipython_display
        match kind:
            case "stream":
                (sys.stderr if content["name"] == "stderr" else sys.stdout).write(content["text"])
            case "execute_result" | "display_data" | "update_display_data":
                display.publish_display_data(
                    content["data"],
                    content.get("metadata"),
                    transient=content.get("transient"),
                    update=kind == "update_display_data",
                )
            case "clear_output":
                display.clear_output(content.get("wait", False))
            case "error":
                # Named as it was named there.
                self.error = type(content["ename"], (RemoteError,), {})(content)


_EXAMPLE = "%%console churn"
MAGICS = (
    Magic("console", "cell", Options("%%console", ConsoleLine, "Run the cell below in a live replica.", _EXAMPLE), _cell),
    # The line's form last: it has a meaning of its own.
    Magic("console", "line", Options("%console", ConsoleLine, "Open a console on a live replica.", "%console churn"), _line),
)

"""A magic: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal

from IPython.core.magic import no_var_expand, output_can_be_silenced

from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.options import HelpWanted, Model, Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.words import join_continued


@dataclass(frozen=True)
class Cell:
    """The cell under a cell magic: its body, and the lines above it that belong to the magic."""

    body: str = ""
    header: list[str] = field(default_factory=list)


class Text(str):
    """A text that a cell's output shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class CellSyntaxError(Exception):
    """The user's own SyntaxError, drawn as IPython draws one of a cell that it runs itself.

    No subclass of SyntaxError, for which IPython would show our frames; and none of SlmlError, for it never travels.
    """

    def __init__(self, error: SyntaxError, shell: Any) -> None:
        super().__init__(f"{error.msg} (line {error.lineno} of the cell)")
        self.error = error
        self._shell = shell

    def _render_traceback_(self, *_: object) -> list[str]:
        return list(self._shell.SyntaxTB.structured_traceback(type(self.error), self.error, []))


# What the notebook's error output is called.
CellSyntaxError.__name__ = "SyntaxError"


@dataclass(frozen=True)
class Magic(Generic[Model]):
    """`run(session, options, cell)` does the work; errors are our own family, so that they are true error outputs."""

    name: str
    kind: Literal["line", "cell"]
    options: Options[Model]
    run: Callable[[Session, Model, Cell], Any]

    @property
    def prompt(self) -> str:
        return ("%%" if self.kind == "cell" else "%") + self.name

    def register(self, session: Session) -> None:
        """Make it known to the shell. A cell magic's line form only gives help."""
        manager = session.shell.magics_manager

        def on_line(line: str) -> Any:
            return self._call(session, line, "", cell_given=False)

        def on_cell(line: str, cell: str) -> Any:
            return self._call(session, line, cell, cell_given=True)

        for kind, function in (("line", on_line), ("cell", on_cell)):
            if kind == "cell" and self.kind == "line":
                continue
            function.__doc__ = self.options.help()
            function.__name__ = self.name
            # The line is ours to expand: IPython would take a dict apart into words.
            ready = output_can_be_silenced(no_var_expand(function))
            manager.register_function(ready, magic_kind=kind, magic_name=self.name)

    def unregister(self, magics: Mapping[str, dict[str, Any]]) -> None:
        for kind in ("line", "cell"):
            magics[kind].pop(self.name, None)

    def _call(self, session: Session, line: str, body: str, *, cell_given: bool) -> Any:
        whole, rest, taken = join_continued(line, body)
        header = [f"{self.prompt} {line}".rstrip(), *body.split("\n")[:taken]]
        try:
            options = self.options.parse(whole, session.namespace)
        except HelpWanted as wanted:
            return Text(wanted)
        if self.kind == "cell" and not cell_given:
            raise Invalid(
                f"%{self.name} needs a cell below it.",
                field="cell",
                remedy=f"Write {self.prompt} (two percent signs) in the cell's first line.",
            )
        try:
            return self.run(session, options, Cell(rest, header))
        except SyntaxError as error:
            raise CellSyntaxError(error, session.shell) from None

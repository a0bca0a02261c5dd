"""The IPython shell in which a cell runs: built once in the zygote, used once in each child."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_slml.compute.channel import Channel


class CellCompiler(CachingCompiler):
    """Names the first cell as people know it: `<churn In[3]>`."""

    cell_name = ""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        name, self.cell_name = self.cell_name, ""
        return name or super().get_code_name(raw_code, transformed_code, number)


class ChannelPublisher(DisplayPublisher):
    """`display(...)` goes to the supervisor as an nbformat output."""

    channel: Channel | None = None

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: object = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        if self.channel is not None:
            output = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
            identity = (transient or {}).get("display_id")
            self.channel.display({**output, "transient": {"display_id": identity, "update": update}} if identity else output)


class ChannelHook(DisplayHook):
    """The value of the last expression goes to the supervisor; nothing is kept in `Out`."""

    channel: Channel | None = None
    #: What the last expression of the last cell gave.
    value: object = None

    def __call__(self, result: object = None) -> None:
        self.value = result
        if result is None or self.channel is None or self.quiet():  # type: ignore[no-untyped-call]
            return
        data, metadata = self.compute_format_data(result)  # type: ignore[no-untyped-call]
        if data:
            output = {"output_type": "execute_result", "execution_count": None, "data": data, "metadata": metadata}
            self.channel.display(output)


class JobShell(InteractiveShell):
    """Shows nothing itself: exceptions are in the result, displays go to the channel."""

    compiler_class = CellCompiler
    display_pub_class = ChannelPublisher
    displayhook_class = ChannelHook

    def transform_cell(self, raw_cell: str) -> str:
        # IPython drops leading empty lines, and with them the line numbers of the cell.
        blank = len(raw_cell) - len(raw_cell.lstrip("\r\n \t"))
        return "\n" * raw_cell[:blank].count("\n") + str(super().transform_cell(raw_cell))  # type: ignore[no-untyped-call]

    @contextmanager
    def _tee(self, channel: str) -> Iterator[None]:
        # The original keeps all that the cell prints in memory, for a history that is switched off here.
        yield

    def showtraceback(self, *_: object, **__: object) -> None:
        """Exceptions are reported by `failures`."""

    showsyntaxerror = showtraceback
    showindentationerror = showtraceback

    def ask_exit(self) -> None:
        """`exit` and `quit`."""
        raise SystemExit(0)

    def connect(self, channel: Channel, cell_name: str) -> None:
        """Make this the process's shell: `get_ipython()` finds it, displays go to `channel`."""
        for kind in type(self)._walk_mro():
            setattr(kind, "_instance", self)  # noqa: B010
        assert isinstance(self.display_pub, ChannelPublisher)
        assert isinstance(self.displayhook, ChannelHook)
        assert isinstance(self.compile, CellCompiler)
        self.display_pub.channel = channel
        self.displayhook.channel = channel
        self.compile.cell_name = cell_name


class KeepParameters(ast.NodeTransformer):
    """A parameter wins over the default that the cell itself assigns to its name.

    A top-level `max_depth = 3` becomes `pass` when `max_depth` is a parameter, so that the same cell runs in the notebook
    and, with other values, as a job (as papermill's injected parameters do). Only plain assignments of literals are dropped;
    what the cell computes is its own business. Line numbers stay.
    """

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [self._pass(item) if self._is_default(item) else item for item in node.body]
        return node

    def _is_default(self, node: ast.stmt) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or targets[0].id not in self.names:
            return False
        assert isinstance(node, (ast.Assign, ast.AnnAssign))
        try:
            ast.literal_eval(node.value or ast.Constant(None))
        except ValueError:
            return False
        return True

    @staticmethod
    def _pass(node: ast.stmt) -> ast.stmt:
        return ast.copy_location(ast.Pass(), node)


def build(folder: Path) -> JobShell:
    """A shell without history, with its profile in `folder`, that has run a cell once (the first one costs 20 ms more)."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.InteractiveShell.colors = "nocolor"
    shell = JobShell(config=config, ipython_dir=str(folder))  # type: ignore[no-untyped-call]
    shell.run_cell("pass")  # type: ignore[no-untyped-call]
    return shell

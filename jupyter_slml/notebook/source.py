"""A cell's text as Python: `%` and `!` lines transformed, line numbers kept, syntax checked before anything is sent."""

from __future__ import annotations

import ast
import linecache
import warnings
from dataclasses import dataclass
from typing import Any

from jupyter_slml.notebook.hidden import timed_cell


@dataclass(frozen=True)
class CellSource:
    """What runs. Line 1 of `text` is line 1 of the notebook's cell, its magic line included as a comment."""

    text: str
    #: `text` after IPython's transformation; what stands below a `%%time` is Python of its own.
    python: str
    tree: ast.Module
    filename: str


def read_source(body: str, header: list[str], shell: Any, title: str = "cell") -> CellSource:
    """Parse a cell. `header` holds the lines above the body (the magic line), which stay as comments.

    Raises the user's own SyntaxError, with the cell's file name and line.
    """
    # Comments and not blank lines: IPython drops leading blank lines, and with them the right numbers. But a comment above a
    # cell magic would make it a line that is no Python.
    magic = body.lstrip().startswith("%%")
    text = ("\n" * len(header) if magic else "".join(f"# {line}\n" for line in header)) + body
    python = _transform(text, shell)
    filename = f"<{title}>"
    # IPython prints the line of an error from this cache.
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    tree = _parse(python, filename)
    while (timed := timed_cell(tree)) is not None:
        first, below, line = timed
        python = "\n" * (line - 1) + f"{first}\n" + _transform(below, shell)
        tree = _parse(python, filename)
    return CellSource(text=text, python=python, tree=tree, filename=filename)


def _transform(text: str, shell: Any) -> str:
    if shell is None:
        return text
    lines = text.splitlines(keepends=True)
    blank = next((index for index, line in enumerate(lines) if line.strip()), 0)
    return "\n" * blank + str(shell.transform_cell("".join(lines[blank:])))


def _parse(python: str, filename: str) -> ast.Module:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        # The job compiles it again and says so once.
        warnings.simplefilter("ignore")
        tree: ast.Module = compile(python, filename, "exec", flags, dont_inherit=True)
        # The parser alone lets `return` outside a function and the like pass.
        compile(tree, filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return tree

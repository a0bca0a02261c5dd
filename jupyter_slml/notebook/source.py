"""A cell's text as Python: `%` and `!` lines transformed, line numbers kept, syntax checked before anything is sent."""

from __future__ import annotations

import ast
import linecache
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

#: Cell magics whose body is Python that runs in the same namespace.
_PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun"})
#: `{name}` and `$name` as IPython expands them in `%` and `!` lines.
_EXPANSION = re.compile(r"\{([^{}]+)\}|\$(\w+)")


@dataclass(frozen=True)
class CellSource:
    """What runs. Line 1 of `text` is line 1 of the notebook's cell, its magic line included as a comment."""

    text: str
    #: `text` after IPython's transformation.
    python: str
    tree: ast.Module
    filename: str
    #: Code that hides in `%`/`!` lines: (source, line in the cell).
    hidden: list[tuple[str, int]] = field(default_factory=list)


def read_source(body: str, header: list[str], shell: Any, title: str = "cell") -> CellSource:
    """Parse a cell. `header` holds the lines above the body (the magic line), which stay as comments.

    Raises the user's own SyntaxError, with the cell's file name and line.
    """
    text = body
    if header and not body.lstrip().startswith("%%"):
        # A comment and not a blank line: IPython drops leading blank lines, and with them the right numbers.
        text = "".join(f"# {line}\n" for line in header) + body
    python = _transform(text, shell)
    filename = f"<{title}>"
    # IPython prints the line of an error from this cache.
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    tree = _parse(python, filename)
    return CellSource(text=text, python=python, tree=tree, filename=filename, hidden=list(_hidden_code(tree)))


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


def _hidden_code(tree: ast.Module) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method),
                args=[*arguments],
            ):
                texts = [item.value for item in arguments if isinstance(item, ast.Constant) and isinstance(item.value, str)]
                found += _hidden_in(method, texts, node.lineno)
    return found


def _hidden_in(method: str, texts: list[str], line: int) -> list[tuple[str, int]]:
    if method == "run_cell_magic" and len(texts) == 3 and texts[0] in _PYTHON_MAGICS:
        return [(texts[1], line), (texts[2], line + 1)]
    if method == "run_line_magic" and len(texts) == 2 and texts[0] in _PYTHON_MAGICS:
        return [(texts[1], line)]
    if method in ("system", "getoutput", "run_line_magic", "run_cell_magic"):
        expanded = _EXPANSION.findall(texts[-1] if method in ("system", "getoutput") else " ".join(texts[1:2]))
        return [(braced or named, line) for braced, named in expanded]
    return []

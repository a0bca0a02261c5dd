"""Code that hides in magic and shell lines: Python under `%time`, and what IPython fills in for `{name}` and `$name`."""

from __future__ import annotations

import ast
import getopt
import re
import shlex
from typing import NamedTuple

#: Magics whose line (or cell) is Python that runs in the same namespace, with the letters of their own options.
_PYTHON_MAGICS = {"time": "", "timeit": "n:r:t:cp:qov:", "capture": "", "prun": "D:l:rs:T:q"}
#: `{expression}` and `$name` as IPython expands them in `%` and `!` lines.
_EXPANSION = re.compile(r"\{([^{}]+)\}|\$([^\W\d]\w*)")
_SHELL = frozenset({"system", "getoutput"})
_CALLS = _SHELL | {"run_line_magic", "run_cell_magic"}


class Hidden(NamedTuple):
    """One piece. An `expansion` that fails is left as it stands, so its names need not exist."""

    code: str
    expansion: bool


def hidden_code(node: ast.Call) -> list[Hidden]:
    """The pieces of code in a call that IPython made of a `%` or `!` line; nothing for any other call."""
    method, texts = _call(node)
    if method == "run_line_magic" and len(texts) == 2 and texts[0] in _PYTHON_MAGICS:
        return [Hidden(_without_options(*texts), expansion=False)]
    line = texts[-1] if method in _SHELL else " ".join(texts[1:2])
    return [Hidden(braced or named, expansion=True) for braced, named in _EXPANSION.findall(line)]


def words(node: ast.Call) -> list[str]:
    """The words of a `%` or `!` line: files may be named there (`!python fit.py data.csv`)."""
    method, texts = _call(node)
    line = texts[-1] if method in _SHELL else " ".join(texts[1:2])
    try:
        return shlex.split(line)
    except ValueError:  # an open quote: the shell will say so
        return line.split()


def magic_of(node: ast.Call) -> str:
    """The magic's name; empty for a shell line and for any other call."""
    method, texts = _call(node)
    return texts[0] if method.startswith("run_") and texts else ""


def timed_cell(tree: ast.Module) -> tuple[str, str, int] | None:
    """`%%time` and its like over a whole cell of Python: (code on the magic's line, the cell below, the magic's line)."""
    match tree.body:
        case [ast.Expr(value=ast.Call() as node)]:
            method, texts = _call(node)
            if method == "run_cell_magic" and len(texts) == 3 and texts[0] in _PYTHON_MAGICS:
                return _first_line(texts[0], texts[1]), texts[2], node.lineno
    return None


def _first_line(magic: str, line: str) -> str:
    if magic == "capture":
        name = next((word for word in line.split() if not word.startswith("-")), "")
        return f"{name} = None" if name.isidentifier() else ""
    code = _without_options(magic, line)
    try:
        ast.parse(code)
    except SyntaxError:
        return ""
    return code


def _without_options(magic: str, line: str) -> str:
    try:
        _, rest = getopt.getopt(line.split(" "), _PYTHON_MAGICS[magic])
    except getopt.GetoptError:
        return line.strip()
    return " ".join(rest).strip()


def _call(node: ast.Call) -> tuple[str, list[str]]:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method)) if method in _CALLS:
            found = [item.value for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            return (method, found) if len(found) == len(node.args) and found else ("", [])
    return "", []

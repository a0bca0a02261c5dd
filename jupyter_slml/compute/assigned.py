"""Which names a cell leaves behind."""

from __future__ import annotations

import ast
from collections.abc import Callable

#: Magics that run Python in the cell's own namespace: below them as a cell magic, behind them on a line.
_AROUND_CELLS = frozenset({"time", "capture", "prun"})
_AROUND_LINES = frozenset({"time"})


def assigned(tree: ast.Module, transform: Callable[[str], str] = str) -> list[str]:
    """Names that top-level statements of the cell assign, in order, also inside `if`, `for`, `while`, `with` and `try`.

    Also below `%%time` and its like; `transform` makes Python of the code there, as IPython does. Loop variables,
    `with … as`, imports, functions, classes and names that begin with an underscore are not results.
    """
    found: dict[str, None] = {}
    finder = _Finder(found, transform)
    for node in tree.body:
        finder.visit(node)
    return [name for name in found if not name.startswith("_")]


class _Finder(ast.NodeVisitor):
    def __init__(self, found: dict[str, None], transform: Callable[[str], str]) -> None:
        self.found = found
        self.transform = transform

    def _targets(self, *targets: ast.expr) -> None:
        for target in targets:
            if isinstance(target, ast.Name):
                self.found[target.id] = None
            elif isinstance(target, (ast.Tuple, ast.List)):
                self._targets(*target.elts)
            elif isinstance(target, ast.Starred):
                self._targets(target.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._targets(*node.targets)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._targets(node.target)
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._targets(node.target)
        self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._targets(node.target)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        code = _inside(node)
        if code is None:
            self.generic_visit(node)
            return
        try:
            tree = ast.parse(self.transform(code))
        except SyntaxError:  # options of the magic before the code
            return
        for statement in tree.body:
            self.visit(statement)

    def _scope(self, node: ast.AST) -> None:
        """Another scope: what is assigned in it stays there."""

    visit_FunctionDef = _scope
    visit_AsyncFunctionDef = _scope
    visit_ClassDef = _scope
    visit_Lambda = _scope


def _inside(node: ast.Call) -> str | None:
    """The code that a magic like `%%time` runs in the namespace; None for any other call."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr="run_cell_magic"),
            args=[ast.Constant(value=str(magic)), _, ast.Constant(value=str(body))],
        ) if magic in _AROUND_CELLS:
            return body
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr="run_line_magic"),
            args=[ast.Constant(value=str(magic)), ast.Constant(value=str(line))],
        ) if magic in _AROUND_LINES:
            return line
    return None

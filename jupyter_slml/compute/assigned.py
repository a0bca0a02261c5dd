"""Which names a cell leaves behind."""

from __future__ import annotations

import ast


def assigned(tree: ast.Module) -> list[str]:
    """Names that top-level statements of the cell assign, in order, also inside `if`, `for`, `while`, `with` and `try`.

    Loop variables, `with … as`, imports, functions, classes and names that begin with an underscore are not results.
    """
    found: dict[str, None] = {}
    finder = _Finder(found)
    for node in tree.body:
        finder.visit(node)
    return [name for name in found if not name.startswith("_")]


class _Finder(ast.NodeVisitor):
    def __init__(self, found: dict[str, None]) -> None:
        self.found = found

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

    def _scope(self, node: ast.AST) -> None:
        """Another scope: what is assigned in it stays there."""

    visit_FunctionDef = _scope
    visit_AsyncFunctionDef = _scope
    visit_ClassDef = _scope
    visit_Lambda = _scope

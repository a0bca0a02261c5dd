"""The part of a tuned cell that need not run again in every trial.

A statement is *searched* when it reads a searched name, or a name that depends on one. The prefix is everything before the
first searched statement: nothing is put into another order, so side effects keep theirs. In doubt a statement is searched.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

#: Calls whose texts are code, or that give every name.
_CODE = frozenset({"exec", "eval", "compile", "query", "run_line_magic", "run_cell_magic", "system", "getoutput"})
_NAMES = frozenset({"globals", "locals", "vars", "dir"})
#: What `slml` says that is the same in every trial.
_SAME = frozenset({"inputs", "job", "name", "attempt"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Prefix:
    """The first `count` top-level statements, up to line `last_line` (0 when there are none)."""

    count: int
    last_line: int

    def __bool__(self) -> bool:
        return self.count > 0


def prefix(tree: ast.Module, searched: Collection[str]) -> Prefix:
    """Which leading statements depend on none of the `searched` names (`trial` is always one)."""
    tainted = {*searched, "trial"}
    count = 0
    for statement in tree.body:
        if _default(statement, searched):
            # Replaced by the searched value.
            count += 1
            continue
        if _is_searched(statement, tainted):
            break
        tainted |= _deferred(statement, tainted)
        count += 1
    # The last statement has to be in the trial: its value may be the objective.
    count = min(count, len(tree.body) - 1)
    if not _works(tree.body[:count]):
        count = 0
    return Prefix(count, tree.body[count - 1].end_lineno or 0 if count else 0)


def reads(tree: ast.Module, name: str) -> bool:
    """Whether the cell reads a name anywhere, also in code that stands in a text."""
    return any(_mentions(statement, {name}) for statement in tree.body)


def default_of(tree: ast.Module, name: str) -> object:
    """What the cell itself assigns to a name at its top level, when that is a literal; else None."""
    for statement in tree.body:
        if _default(statement, (name,)):
            assert isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None
            return ast.literal_eval(statement.value)
    return None


class KeepStatements(ast.NodeTransformer):
    """An AST transformer of IPython's: only the statements from `first` to before `last` run."""

    def __init__(self, first: int, last: int | None) -> None:
        self.first, self.last = first, last

    def visit_Module(self, node: ast.Module) -> ast.Module:
        kept = node.body[self.first : self.last]
        if self.last is not None:
            # The prefix ends inside the cell: what its last expression gives is nothing that the cell shows.
            kept = [*kept, ast.copy_location(ast.Pass(), node.body[self.last - 1])] if kept else []
        node.body = kept
        return node


def _default(statement: ast.stmt, names: Collection[str]) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names:
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in names:
            pass
        case _:
            return False
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError):
        return False
    return True


def _is_searched(statement: ast.stmt, tainted: set[str]) -> bool:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            # Its body runs when it is called.
            return any(_mentions(part, tainted) for part in _outside(statement))
        case ast.ClassDef():
            bodies = [part for part in statement.body if not isinstance(part, _FUNCTIONS)]
            methods = [part for item in statement.body if isinstance(item, _FUNCTIONS) for part in _outside(item)]
            head = [*statement.decorator_list, *statement.bases, *statement.keywords]
            return any(_mentions(part, tainted) for part in [*head, *bodies, *methods])
    return _mentions(statement, tainted)


def _outside(function: _Function) -> Iterator[ast.AST]:
    """What of a function runs where it is defined."""
    yield from function.decorator_list
    yield from function.args.defaults
    yield from (item for item in function.args.kw_defaults if item is not None)


def _deferred(statement: ast.stmt, tainted: set[str]) -> set[str]:
    """Names that stand for code which reads a searched name when it is called."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and _mentions(node, tainted):
            found.add(node.name)
    return found


def _mentions(node: ast.AST, tainted: Collection[str]) -> bool:
    texts: list[str] = []
    code = False
    parents: dict[int, ast.AST] = {}
    for item in ast.walk(node):
        for child in ast.iter_child_nodes(item):
            parents[id(child)] = item
        match item:
            case ast.Name(id="slml"):
                parent = parents.get(id(item))
                if not (isinstance(parent, ast.Attribute) and parent.attr in _SAME):
                    return True
            case ast.Name(id=name):
                if name in tainted or name in _NAMES:
                    return True
                code = code or name in _CODE
            case ast.Attribute(attr=name):
                code = code or name in _CODE
            case ast.Constant(value=str(text)):
                texts.append(text)
            case ast.Global(names=names):
                if any(name in tainted for name in names):
                    return True
    return code and any(word in tainted for text in texts for word in re.findall(r"\w+", text))


def _works(statements: Sequence[ast.stmt]) -> bool:
    """Whether running them once can save anything."""
    return any(isinstance(node, (ast.Call, ast.Import, ast.ImportFrom)) for item in statements for node in ast.walk(item))

"""Which notebook names a cell reads before it has surely bound them.

The statements are followed in the order in which they run (`flow.Flow`); what functions and lambdas read later is taken from
`symtable`, which knows Python's scopes exactly, and counts at the moment the function's name is first used.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Collection
from dataclasses import dataclass, field

from jupyter_slml.notebook.flow import Flow, State
from jupyter_slml.notebook.hidden import magic_of, words
from jupyter_slml.notebook.source import CellSource

#: Names that the place where a cell runs provides: never taken from the notebook.
PLATFORM = frozenset({"get_ipython", "display", "slml", "__name__", "__builtins__", "__file__"})
_BUILTINS = frozenset(vars(builtins))
_BINDING_MAGICS = frozenset({"run", "pylab", "store", "load_ext", "macro", "cython"})


@dataclass
class Reading:
    """What a cell reads and binds. Lines are those of the notebook's cell."""

    #: Needed from outside: name → first line that reads it.
    reads: dict[str, int] = field(default_factory=dict)
    #: Bound somewhere in the cell: name → first line.
    binds: dict[str, int] = field(default_factory=dict)
    #: Names that it reads at all, bound before or not; names that it binds by `import` alone.
    names: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    #: Reads that the cell itself guards with `except NameError`.
    guarded: set[str] = field(default_factory=set)
    #: Attribute chains such as `xml.etree.ElementTree`, by their first name.
    chains: dict[str, set[str]] = field(default_factory=dict)
    #: String constants, for files named by a literal path.
    strings: dict[str, int] = field(default_factory=dict)
    #: Modules that the cell itself imports (dotted).
    imports: set[str] = field(default_factory=set)
    #: The cell may bind names that nobody can see: `from x import *`, `exec`, `globals()`, `%run`.
    star: bool = False

    def undefined(self, known: Collection[str]) -> dict[str, int]:
        """Names that nobody binds: not the notebook, not the cell, not Python."""
        if self.star:
            return {}
        return {
            name: line
            for name, line in self.reads.items()
            if name not in known and name not in self.binds and name not in self.guarded and name not in _BUILTINS
        }


def read_names(source: CellSource, bound: Collection[str] = ()) -> Reading:
    """Analyse a cell; `bound` are names that exist before its first line (parameters)."""
    flow = Flow(ScopeTables(source.python, source.filename))
    state = State(set(bound))
    flow.run(source.tree.body, state)
    flow.finish(state)
    trees = [source.tree, *flow.trees]
    reading = Reading(
        reads=dict(flow.reads),
        binds=flow.binds,
        names=flow.loaded,
        modules=flow.imported,
        guarded=flow.guarded - flow.unguarded,
        star=flow.star or any(_binds_unseen(tree) for tree in trees),
    )
    for tree in trees:
        for name, chains in _chains(tree).items():
            reading.chains.setdefault(name, set()).update(chains)
        reading.strings |= _strings(tree)
        reading.imports |= _imports(tree)
    for name in PLATFORM:
        reading.reads.pop(name, None)
    return reading


class ScopeTables:
    """`symtable` by (name, line): the global names that a function's own code reads or binds."""

    def __init__(self, python: str, filename: str) -> None:
        self._tables: dict[tuple[str, int], list[symtable.SymbolTable]] = {}
        self._filename = filename
        self.add(python)

    def add(self, python: str, above: int = 0) -> None:
        """Know the scopes of more code, which stands `above` lines below the first."""
        self._index(symtable.symtable(python, self._filename, "exec"), above)

    def _index(self, table: symtable.SymbolTable, above: int) -> None:
        for child in table.get_children():
            self._tables.setdefault((child.get_name(), child.get_lineno() + above), []).append(child)
            self._index(child, above)

    def reads(self, name: str, line: int) -> set[str]:
        """Global names that the scope and everything inside it read."""
        found: set[str] = set()
        for table in self._tables.get((name, line), []):
            _collect(table, found, assigned=False)
        return found

    def binds(self, name: str, line: int) -> set[str]:
        """Names that the scope binds by `global`."""
        found: set[str] = set()
        for table in self._tables.get((name, line), []):
            _collect(table, found, assigned=True)
        return found


def _collect(table: symtable.SymbolTable, found: set[str], *, assigned: bool) -> None:
    for symbol in table.get_symbols():
        if symbol.is_global() and (symbol.is_assigned() if assigned else symbol.is_referenced()):
            found.add(symbol.get_name())
    for child in table.get_children():
        _collect(child, found, assigned=assigned)


def _chains(tree: ast.AST) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and parts:
            found.setdefault(node.id, set()).add(".".join(reversed([*parts, node.id])))
    return found


def _strings(tree: ast.AST) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.setdefault(node.value, node.lineno)
        elif isinstance(node, ast.Call):
            found.update(dict.fromkeys(words(node), node.lineno))
    return found


def _binds_unseen(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="exec" | "globals" | "locals" | "vars")):
                return True
            case ast.Call() if magic_of(node) in _BINDING_MAGICS:
                return True
    return False


def _imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found

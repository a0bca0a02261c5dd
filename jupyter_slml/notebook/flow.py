"""The order in which a cell's statements bind and read names.

`State.bound` holds the names that are surely bound at a point. Branches are followed apart and meet in what all of them
bind; a branch that raises does not come back and so takes nothing away. Too much is harmless (a name is shipped in vain),
too little is not: in doubt a read counts as a need.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Protocol

from jupyter_slml.notebook.hidden import hidden_code

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_GUARDS = frozenset({"NameError", "Exception", "BaseException"})


class Tables(Protocol):
    """What `symtable` says about a scope found by its name and line."""

    def reads(self, name: str, line: int) -> set[str]: ...
    def binds(self, name: str, line: int) -> set[str]: ...
    def add(self, python: str, above: int) -> None: ...


class State:
    """Names surely bound here. `ended` once the flow cannot come past this point."""

    def __init__(self, bound: set[str], hidden: frozenset[str] = frozenset()) -> None:
        self.bound = bound
        #: Local names of the comprehensions around.
        self.hidden = hidden
        self.ended = False

    def fork(self, hidden: Iterable[str] = ()) -> State:
        return State(set(self.bound), self.hidden | frozenset(hidden))

    def meet(self, branches: Sequence[State]) -> None:
        """Continue after `branches`: bound is what every branch that comes back has bound."""
        living = [branch for branch in branches if not branch.ended]
        if living:
            self.bound = set.intersection(*(branch.bound for branch in living))
        else:
            self.ended = True


class Flow:
    """One walk over a cell's module-level statements; the findings are its attributes."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.reads: dict[str, int] = {}
        self.binds: dict[str, int] = {}
        #: Names read inside, and outside, a `try` that catches NameError.
        self.guarded: set[str] = set()
        self.unguarded: set[str] = set()
        self.star = False
        #: Every name that is read, bound before or not; names that the last binding made a module.
        self.loaded: set[str] = set()
        self.imported: set[str] = set()
        #: Code of `%` and `!` lines, as it was met.
        self.trees: list[ast.Module] = []
        #: Names that a function bound here reads when it is called.
        self._later: dict[str, dict[str, int]] = {}
        self._guards = 0

    # -- names ---------------------------------------------------------------------------------------------------------

    def load(self, name: str, line: int, state: State) -> None:
        if name in state.hidden:
            return
        self.loaded.add(name)
        if name not in state.bound:
            (self.guarded if self._guards else self.unguarded).add(name)
            self.reads.setdefault(name, line)
        for later, at in self._later.pop(name, {}).items():
            self.load(later, at, state)

    def bind(self, name: str, line: int, state: State) -> None:
        state.bound.add(name)
        self.imported.discard(name)
        self.binds.setdefault(name, line)

    def finish(self, state: State) -> None:
        """Functions that nobody called in the cell: they read what is there at its end."""
        while self._later:
            _, names = self._later.popitem()
            for name, line in names.items():
                self.load(name, line, state)

    def _defer(self, owner: str, node: ast.AST, name: str, line: int) -> None:
        lines = _first_lines(node)
        later = self._later.setdefault(owner, {})
        for read in self.tables.reads(name, line):
            later.setdefault(read, lines.get(read, line))
        for bound in self.tables.binds(name, line):
            self.binds.setdefault(bound, lines.get(bound, line))

    # -- statements ----------------------------------------------------------------------------------------------------

    def run(self, body: Sequence[ast.stmt], state: State) -> None:
        for statement in body:
            self.statement(statement, state)

    def statement(self, node: ast.stmt, state: State) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, state)
            case ast.ClassDef():
                self._class(node, state)
            case ast.Assign():
                self.visit(node.value, state)
                for target in node.targets:
                    self.visit(target, state)
            case ast.AugAssign():
                self._augmented(node, state)
            case ast.AnnAssign():
                self.visit(node.annotation, state)
                if node.value is not None:
                    self.visit(node.value, state)
                    self.visit(node.target, state)
            case ast.For() | ast.AsyncFor():
                self.visit(node.iter, state)
                inside = state.fork()
                self.visit(node.target, inside)
                self.run(node.body, inside)
                self.run(node.orelse, state.fork())
            case ast.While():
                self.visit(node.test, state)
                self.run(node.body, state.fork())
                self.run(node.orelse, state.fork())
            case ast.If():
                self.visit(node.test, state)
                self._branches([node.body, node.orelse], state)
            case ast.With() | ast.AsyncWith():
                self._with(node, state)
            case ast.Try() | ast.TryStar():
                self._try(node, state)
            case ast.Match():
                self._match(node, state)
            case ast.Import() | ast.ImportFrom():
                self._import(node, state)
            case ast.Delete():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.load(target.id, target.lineno, state)
                        state.bound.discard(target.id)
                    else:
                        self.visit(target, state)
            case ast.Raise():
                self._children(node, state)
                state.ended = True
            case ast.Break() | ast.Continue():
                state.ended = True
            case _:
                self._children(node, state)

    def _branches(self, bodies: Sequence[Sequence[ast.stmt]], state: State) -> None:
        branches = [state.fork() for _ in bodies]
        for branch, body in zip(branches, bodies, strict=True):
            self.run(body, branch)
        state.meet(branches)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, state: State) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator, state)
        self._signature(node.args, state)
        if node.returns is not None:
            self.visit(node.returns, state)
        self.bind(node.name, node.lineno, state)
        self._defer(node.name, node, node.name, node.lineno)
        if node.decorator_list:
            # A decorator may call what it decorates.
            self.load(node.name, node.lineno, state)

    def _signature(self, arguments: ast.arguments, state: State) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default, state)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for argument in every:
            if argument is not None and argument.annotation is not None:
                self.visit(argument.annotation, state)

    def _class(self, node: ast.ClassDef, state: State) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(part, state)
        # The body runs now, in a scope of its own: what it binds is not the cell's, what it does not find there is.
        body = ClassFlow(self, node)
        body.run(node.body, state.fork())
        self.bind(node.name, node.lineno, state)
        self._defer(node.name, node, node.name, node.lineno)
        if node.decorator_list:
            self.load(node.name, node.lineno, state)

    def _augmented(self, node: ast.AugAssign, state: State) -> None:
        if isinstance(node.target, ast.Name):
            self.load(node.target.id, node.target.lineno, state)
        self.visit(node.value, state)
        self.visit(node.target, state)

    def _with(self, node: ast.With | ast.AsyncWith, state: State) -> None:
        swallows = False
        for item in node.items:
            self.visit(item.context_expr, state)
            if item.optional_vars is not None:
                self.visit(item.optional_vars, state)
            swallows = swallows or "suppress" in ast.dump(item.context_expr)
        if swallows:
            self.run(node.body, state.fork())
        else:
            self.run(node.body, state)

    def _try(self, node: ast.Try | ast.TryStar, state: State) -> None:
        guards = any(handler.type is None or _GUARDS & _names_in(handler.type) for handler in node.handlers)
        self._guards += guards
        whole = state.fork()
        self.run(node.body, whole)
        self._guards -= guards
        self.run(node.orelse, whole)
        branches = [whole]
        for handler in node.handlers:
            branch = state.fork()
            if handler.type is not None:
                self.visit(handler.type, branch)
            if handler.name is not None:
                self.bind(handler.name, handler.lineno, branch)
            self.run(handler.body, branch)
            if handler.name is not None:
                # Python unbinds it at the end of the handler.
                branch.bound.discard(handler.name)
            branches.append(branch)
        before = state.fork()
        state.meet(branches)
        if node.finalbody:
            self.run(node.finalbody, before)
            state.bound |= before.bound
            state.ended = state.ended or before.ended

    def _match(self, node: ast.Match, state: State) -> None:
        self.visit(node.subject, state)
        branches = []
        exhaustive = False
        for case in node.cases:
            branch = state.fork()
            self._pattern(case.pattern, branch)
            if case.guard is not None:
                self.visit(case.guard, branch)
            self.run(case.body, branch)
            branches.append(branch)
            irrefutable = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            exhaustive = exhaustive or (irrefutable and case.guard is None)
        state.meet(branches if exhaustive else [*branches, state.fork()])

    def _pattern(self, pattern: ast.pattern, state: State) -> None:
        for node in ast.walk(pattern):
            match node:
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                    self.bind(name, pattern.lineno, state)
                case ast.Name():
                    self.load(node.id, node.lineno, state)

    def _import(self, node: ast.Import | ast.ImportFrom, state: State) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.star = True
                continue
            name = alias.asname or alias.name.partition(".")[0]
            self.bind(name, node.lineno, state)
            if isinstance(node, ast.Import):
                self.imported.add(name)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def visit(self, node: ast.AST, state: State) -> None:
        match node:
            case ast.Name(ctx=ast.Load()):
                self.load(node.id, node.lineno, state)
            case ast.Name():
                self.bind(node.id, node.lineno, state)
            case ast.NamedExpr():
                self.visit(node.value, state)
                self.visit(node.target, state)
            case ast.Lambda():
                self._lambda(node, state)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, state)
            case ast.BoolOp():
                self.visit(node.values[0], state)
                for value in node.values[1:]:
                    # Whether it is evaluated depends on the first.
                    self.visit(value, state.fork())
            case ast.IfExp():
                self.visit(node.test, state)
                branches = [state.fork(), state.fork()]
                self.visit(node.body, branches[0])
                self.visit(node.orelse, branches[1])
                state.meet(branches)
            case ast.Call():
                self._children(node, state)
                self._hidden(node, state)
            case _:
                self._children(node, state)

    def _hidden(self, node: ast.Call, state: State) -> None:
        """The code of a `%` or `!` line runs where the line stands."""
        for code, expansion in hidden_code(node):
            try:
                tree = ast.parse(code)
            except (SyntaxError, ValueError):  # no Python after all: a brace of awk
                continue
            ast.increment_lineno(tree, node.lineno - 1)
            self.tables.add(code, node.lineno - 1)
            self.trees.append(tree)
            self._guards += expansion
            self.run(tree.body, state)
            self._guards -= expansion

    def _children(self, node: ast.AST, state: State) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self.statement(child, state)
            else:
                self.visit(child, state)

    def _lambda(self, node: ast.Lambda, state: State) -> None:
        self._signature(node.args, state)
        lines = _first_lines(node)
        for name in self.tables.reads("lambda", node.lineno):
            # Nobody knows when it is called: now is the earliest.
            self.load(name, lines.get(name, node.lineno), state)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, state: State) -> None:
        self.visit(node.generators[0].iter, state)
        inside = state.fork()
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter, inside)
            targets = {item.id for item in ast.walk(generator.target) if isinstance(item, ast.Name)}
            inside = inside.fork(hidden=targets)
            for condition in generator.ifs:
                self.visit(condition, inside)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for part in parts:
            self.visit(part, inside)


class ClassFlow(Flow):
    """The body of a class: binds its own names, and hands the reads that it cannot answer to the flow around it."""

    def __init__(self, outer: Flow, node: ast.ClassDef) -> None:
        super().__init__(outer.tables)
        self.outer = outer
        self.own: set[str] = set()
        self._declared = {name for item in node.body if isinstance(item, ast.Global) for name in item.names}

    def load(self, name: str, line: int, state: State) -> None:
        if name in state.hidden or (name in self.own and name in state.bound):
            return
        self.outer.load(name, line, state)

    def bind(self, name: str, line: int, state: State) -> None:
        state.bound.add(name)
        if name in self._declared:
            self.outer.binds.setdefault(name, line)
        else:
            self.own.add(name)

    def _defer(self, owner: str, node: ast.AST, name: str, line: int) -> None:
        """Nothing: the table of the class holds its methods', and counts when the class is used."""


def _first_lines(node: ast.AST) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            found[item.id] = min(found.get(item.id, item.lineno), item.lineno)
    return found


def _names_in(node: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}

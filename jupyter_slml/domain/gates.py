"""Gates: conditions over stored evidence, such as `auc >= 0.9 and auc > production.auc`.

Python's own parser gives the tree (it runs nothing), and the evaluator below knows a handful of nodes: and, or, not, chained
comparisons, + - * /, numbers, abs, min, max, and metrics. A metric is written `auc` (the version's own), `eval.auc`,
`train.auc`, `endpoint.p95`, or of another version of the model: `production.auc`, `champion.auc`, `v6.auc`. A name that
Python could not read stands in quotes: `'validation_0-auc'`, `production['validation_0-auc']`, `'champion-eu'.auc`.
Everything else is refused. There is no loop and no power, so the work is bounded by the length of the text.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.errors import Invalid

#: Characters of an expression, and how deep it may nest.
MOST_CHARACTERS = 2000
MOST_DEPTH = 40

_SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"abs": abs, "min": min, "max": max}
_EXAMPLE = "For example: 'auc >= 0.9 and auc > production.auc'."


@dataclass(frozen=True)
class Seen:
    """A metric's value and where it comes from, for people."""

    value: float
    source: str


@dataclass(frozen=True)
class Vacant:
    """Nobody is there to compare with, and why: a term that needs it holds."""

    why: str


#: Finds a metric by owner (`production`, `eval`, …; None: the version's own) and name. Raises Invalid for an unknown one.
Find = Callable[[str | None, str], Seen | Vacant]


class Term(Frozen):
    """One comparison of a gate, with the numbers that it saw."""

    text: str
    passed: bool
    values: dict[str, float] = Field(default_factory=dict)
    #: Where each value comes from.
    sources: dict[str, str] = Field(default_factory=dict)
    #: Why it holds or fails, where the numbers do not say so.
    note: str = ""

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} = {value:.6g}" for name, value in self.values.items())
        said = "; ".join(part for part in (numbers, self.note) if part)
        return f"{self.text} ({said})" if said else self.text


class Verdict(Frozen):
    """What a gate decided, and on which numbers."""

    expression: str
    passed: bool
    terms: list[Term]

    @property
    def failed(self) -> list[Term]:
        return [term for term in self.terms if not term.passed]


class Gate:
    """A condition that was read and may be asked. Raises Invalid for what is none."""

    def __init__(self, expression: str) -> None:
        self.expression = expression.strip()
        self._tree = _parse(self.expression)
        _Check(self.expression).condition(self._tree)

    def decide(self, find: Find) -> Verdict:
        """Every term is asked, also those that cannot change the end: all numbers are wanted. Raises what `find` raises."""
        terms: list[Term] = []
        passed = self._hold(self._tree, True, find, terms)
        return Verdict(expression=self.expression, passed=passed, terms=terms)

    def _hold(self, node: ast.expr, wanted: bool, find: Find, terms: list[Term]) -> bool:
        """Whether `node` is as `wanted`. `not` is carried down to the terms, so that each is kept as it counts."""
        if isinstance(node, ast.UnaryOp):
            return self._hold(node.operand, not wanted, find, terms)
        if isinstance(node, ast.BoolOp):
            parts = [self._hold(part, wanted, find, terms) for part in node.values]
            return all(parts) if isinstance(node.op, ast.And) is wanted else any(parts)
        assert isinstance(node, ast.Compare)
        term = _term(node, wanted, find)
        terms.append(term)
        return term.passed


def _parse(expression: str) -> ast.expr:
    if len(expression) > MOST_CHARACTERS:
        raise _refusal(f"it has {len(expression)} characters, at most {MOST_CHARACTERS} are allowed", expression)
    if not expression:
        raise _refusal("it is empty", expression)
    try:
        return ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise _refusal(f"{error.msg} (at {expression[max(0, (error.offset or 1) - 1) :][:20]!r})", expression) from None
    except (ValueError, RecursionError, MemoryError):
        raise _refusal("it cannot be read", expression) from None


class _Check:
    """Refuses whatever is not on the list, before anything is evaluated."""

    def __init__(self, expression: str) -> None:
        self._expression = expression

    def condition(self, node: ast.expr, depth: int = 0) -> None:
        self._deep(depth)
        match node:
            case ast.BoolOp():
                for part in node.values:
                    self.condition(part, depth + 1)
            case ast.UnaryOp(op=ast.Not()):
                self.condition(node.operand, depth + 1)
            case ast.Compare():
                for operator in node.ops:
                    if type(operator) not in _SYMBOLS:
                        self._refuse("compare with <, <=, >, >=, == or !=", node)
                for part in (node.left, *node.comparators):
                    self.number(part, depth + 1)
            case ast.Name() | ast.Attribute() | ast.BinOp() | ast.Constant() | ast.Call() | ast.UnaryOp() | ast.Subscript():
                self.number(node, depth + 1)
                self._refuse("it is a number, and a gate asks something: write a comparison", node)
            case _:
                self._refuse("a gate knows no such thing", node)

    def number(self, node: ast.expr, depth: int) -> None:
        self._deep(depth)
        if _metric(node) is not None:
            return
        match node:
            case ast.Constant(value=int() | float() as written) if not isinstance(written, bool):
                if not _is_finite(written):
                    self._refuse("the number is too large", node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                self.number(node.operand, depth + 1)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                self.number(node.left, depth + 1)
                self.number(node.right, depth + 1)
            case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
                if node.keywords or not (len(node.args) == 1 if name == "abs" else len(node.args) >= 2):
                    self._refuse("abs takes one number, min and max take two or more", node)
                for part in node.args:
                    self.number(part, depth + 1)
            case ast.Call(func=ast.Name(id=name)):
                self._refuse(f"there is no function {name}; abs, min and max are known", node)
            case _:
                self._refuse("a gate knows no such thing", node)

    def _deep(self, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise _refusal(f"it nests deeper than {MOST_DEPTH}", self._expression)

    def _refuse(self, why: str, node: ast.expr) -> None:
        shown = ast.get_source_segment(self._expression, node) or ""
        raise _refusal(f"{_short(shown)}: {why}" if shown != self._expression else why, self._expression)


def _metric(node: ast.expr) -> tuple[str | None, str] | None:
    """(owner, name) when the node is a metric, else None."""
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return None, name
        case ast.Attribute(value=ast.Name(id=owner) | ast.Constant(value=str(owner)), attr=name):
            return owner, name
        case ast.Subscript(value=ast.Name(id=owner) | ast.Constant(value=str(owner)), slice=ast.Constant(value=str(name))):
            return owner, name
    return None


def _term(node: ast.Compare, wanted: bool, find: Find) -> Term:
    text = ast.unparse(node) if wanted else f"not {ast.unparse(node)}"
    values: dict[str, float] = {}
    sources: dict[str, str] = {}
    vacancies: list[str] = []
    for leaf in _metrics(node):
        owner, name = _metric(leaf) or (None, "")
        found = find(owner, name)
        if isinstance(found, Vacant):
            vacancies.append(found.why)
        else:
            values[ast.unparse(leaf)], sources[ast.unparse(leaf)] = found.value, found.source
    if vacancies:
        note = f"holds, for {'; '.join(dict.fromkeys(vacancies))}"
        return Term(text=text, passed=True, values=values, sources=sources, note=note)
    try:
        numbers = [_value(part, values) for part in (node.left, *node.comparators)]
    except ArithmeticError as error:
        why = "it divides by zero" if isinstance(error, ZeroDivisionError) else "a number grows out of bounds"
        return Term(text=text, passed=False, values=values, sources=sources, note=f"fails, for {why}")
    holds = all(
        _compare(operator, left, right) for operator, left, right in zip(node.ops, numbers, numbers[1:], strict=False)
    )
    return Term(text=text, passed=holds is wanted, values=values, sources=sources)


def _metrics(node: ast.expr) -> Iterator[ast.expr]:
    """The metrics below a node, left to right."""
    if _metric(node) is not None:
        yield node
        return
    match node:
        case ast.Compare():
            parts = [node.left, *node.comparators]
        case ast.BinOp():
            parts = [node.left, node.right]
        case ast.UnaryOp():
            parts = [node.operand]
        case ast.Call():
            parts = node.args
        case _:
            parts = []
    for part in parts:
        yield from _metrics(part)


def _value(node: ast.expr, values: dict[str, float]) -> float:
    """Raises ArithmeticError when there is no finite value."""
    if _metric(node) is not None:
        return values[ast.unparse(node)]
    match node:
        case ast.Constant(value=int() | float() as number):
            found = float(number)
        case ast.UnaryOp():
            operand = _value(node.operand, values)
            found = -operand if isinstance(node.op, ast.USub) else operand
        case ast.BinOp():
            left, right = _value(node.left, values), _value(node.right, values)
            found = _arithmetic(node.op, left, right)
        case ast.Call(func=ast.Name(id=name)):
            found = _FUNCTIONS[name](*(_value(part, values) for part in node.args))
        case _:
            raise AssertionError("checked before")
    if not math.isfinite(found):
        raise OverflowError
    return found


def _arithmetic(operator: ast.operator, left: float, right: float) -> float:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
    return left / right


def _compare(operator: ast.cmpop, left: float, right: float) -> bool:
    match _SYMBOLS[type(operator)]:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
    return left != right


def _is_finite(number: float) -> bool:
    """Whether a number as it is written fits into a float."""
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _refusal(why: str, expression: str) -> Invalid:
    return Invalid(
        f"The gate {_short(expression)!r} cannot be used: {why}.", field="--if", value=expression, remedy=_EXAMPLE
    )

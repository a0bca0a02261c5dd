"""A magic's line as tokens: POSIX quoting, and values of the notebook in place of `{expression}` and `$name`.

A token that is nothing else becomes the object itself (`-p config={config}` passes the dict); inside a longer token it is
formatted into the text. `{{` and `}}` are literal braces, and so is a brace whose inside is no Python expression (JSON).
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from typing import Any

from jupyter_slml.errors import Invalid

_WHOLE = re.compile(r"(?:\{(?P<braced>[^{}]+|[^{].*[^}])\}|\$(?P<name>[A-Za-z_]\w*))", re.DOTALL)
_INSIDE = re.compile(r"\{\{|\}\}|\{(?P<braced>[^{}]+)\}|\$(?P<name>[A-Za-z_]\w*)")
_LONE = re.compile(r"\{(?P<braced>[^{}]+)\}|\$(?P<name>[A-Za-z_]\w*)")


class Token(str):
    """A word of the line; `value` is the object that it stands for (the text itself when nothing was evaluated)."""

    value: Any

    def __new__(cls, text: str, value: Any = None) -> Token:
        made = super().__new__(cls, text)
        made.value = text if value is None else value
        return made


def join_continued(line: str, body: str) -> tuple[str, str, int]:
    r"""Move lines of `body` up to `line` while it ends with a backslash: (line, rest of the body, lines taken)."""
    taken = 0
    while line.rstrip().endswith("\\") and body:
        first, _, body = body.partition("\n")
        line = line.rstrip()[:-1] + " " + first
        taken += 1
    return line, body, taken


def tokenize(line: str, namespace: Mapping[str, Any]) -> list[Token]:
    """Split and evaluate a magic's line. Raises Invalid for an open quote and for an expression that fails."""
    try:
        words = shlex.split(line, posix=True)
    except ValueError as error:
        raise Invalid(
            f"The options cannot be read: {str(error)[:1].lower()}{str(error)[1:]} in {line.strip()!r}.",
            field="options",
            value=line,
            remedy="Close the quote, or write a backslash before a quote that is meant as such.",
        ) from None
    tokens: list[Token] = []
    for word in words:
        flag, equals, rest = word.partition("=")
        if word.startswith("--") and equals:
            tokens += [Token(flag), evaluate(rest, namespace)]
        else:
            tokens.append(evaluate(word, namespace))
    return tokens


def evaluate(word: str, namespace: Mapping[str, Any]) -> Token:
    """One word; the part after `KEY=` counts as a whole of its own."""
    whole = _WHOLE.fullmatch(word)
    if whole and (expression := _expression(whole)) is not None:
        value = look_up(expression, namespace)
        return Token(str(value), value)
    key, equals, rest = word.partition("=")
    if (
        equals
        and key.isidentifier()
        and (whole := _WHOLE.fullmatch(rest))
        and (expression := _expression(whole)) is not None
    ):
        value = look_up(expression, namespace)
        return Token(f"{key}={value}", (key, value))
    # `}}` is an escape only where `{{` is: at the end of nested JSON it is two braces.
    pattern = _INSIDE if "{{" in word else _LONE
    return Token(pattern.sub(lambda found: _inside(found, namespace), word))


def _expression(found: re.Match[str]) -> str | None:
    """The expression of a match; None when its inside is JSON or a set, and so meant literally."""
    text = found["name"] or found["braced"]
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None
    return None if isinstance(tree, (ast.Tuple, ast.Constant)) else text.strip()


def _inside(found: re.Match[str], namespace: Mapping[str, Any]) -> str:
    if found[0] in ("{{", "}}"):
        return found[0][0]
    expression = _expression(found)
    return found[0] if expression is None else str(look_up(expression, namespace))


def look_up(expression: str, namespace: Mapping[str, Any]) -> Any:
    """The value of an expression in the notebook. Raises Invalid when it has none."""
    try:
        # The user's own words in the user's own kernel, as in the next cell.
        return eval(expression, dict(namespace))
    except Exception as error:
        raise Invalid(
            f"{expression!r} cannot be evaluated: {type(error).__name__}: {error}.",
            field="options",
            value=expression,
            remedy="Define it in a cell above; braces that are meant as such are written {{ and }}.",
        ) from error

"""A magic's line as tokens: POSIX quoting, and values of the notebook in place of `{expression}` and `$name`.

A token that is nothing else becomes the object itself (`-p config={config}` passes the dict); inside a longer token it is
formatted into the text. `{{` and `}}` are literal braces, and so is a brace whose inside is no Python expression (JSON).
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_slml.errors import Invalid

#: An expression that was lifted out of the line before it was split: it may contain spaces and quotes.
_LIFTED = "\ue000{}\ue001"
_VALUE = r"\ue000(?P<lifted>\d+)\ue001|\{(?P<braced>[^{}]+)\}|\$(?P<name>[A-Za-z_]\w*)"
_WHOLE = re.compile(_VALUE)
_INSIDE = re.compile(r"\{\{|\}\}|" + _VALUE)
#: What a backslash outside of quotes takes the meaning of.
_ESCAPED = frozenset(" \t\\'\"")


class Token(str):
    """A word of the line; `value` is the object that it stands for (the text itself when nothing was evaluated)."""

    value: Any

    def __new__(cls, text: str, *value: Any) -> Token:
        made = super().__new__(cls, text)
        made.value = value[0] if value else text
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
    lifted, expressions = _lift(line)
    try:
        words = shlex.split(lifted, posix=True)
    except ValueError as error:
        raise Invalid(
            f"The options cannot be read: {str(error)[:1].lower()}{str(error)[1:]} in {line.strip()!r}.",
            field="options",
            value=line,
            remedy="Close the quote, or write a backslash before a quote that is meant as such.",
        ) from None
    reader = _Reader(namespace, expressions)
    tokens: list[Token] = []
    for word in words:
        flag, equals, rest = word.partition("=")
        if word.startswith("--") and equals:
            tokens += [Token(flag), reader.word(rest)]
        else:
            tokens.append(reader.word(word))
    return tokens


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


class _Reader:
    """Puts values into the words of one line."""

    def __init__(self, namespace: Mapping[str, Any], expressions: Sequence[str]) -> None:
        self._namespace = namespace
        self._expressions = expressions

    def word(self, word: str) -> Token:
        """One word; the part after `KEY=` counts as a whole of its own."""
        whole = self._whole(word)
        if whole is not None:
            return whole
        key, equals, rest = word.partition("=")
        if equals and key.isidentifier() and (value := self._whole(rest)) is not None:
            return Token(f"{key}={value}", (key, value.value))
        # `}}` is an escape only where `{{` is: at the end of nested JSON it is two braces.
        pattern = _INSIDE if "{{" in word else _WHOLE
        return Token(pattern.sub(self._inside, word))

    def _whole(self, text: str) -> Token | None:
        found = _WHOLE.fullmatch(text)
        expression = self._expression(found) if found else None
        if expression is None:
            return None
        value = look_up(expression, self._namespace)
        return Token(str(value), value)

    def _inside(self, found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        expression = self._expression(found)
        return found[0] if expression is None else str(look_up(expression, self._namespace))

    def _expression(self, found: re.Match[str]) -> str | None:
        if found["lifted"] is not None:
            return self._expressions[int(found["lifted"])]
        text = found["name"] or found["braced"]
        return text.strip() if _is_expression(text) else None


def _is_expression(text: str) -> bool:
    """Whether the inside of braces is meant as Python: not JSON, not a set of constants."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return not isinstance(tree, (ast.Tuple, ast.Constant))


def _lift(line: str) -> tuple[str, list[str]]:
    """Replace `{expression}` outside of quotes by a mark, so that splitting leaves its spaces and quotes alone."""
    parts: list[str] = []
    expressions: list[str] = []
    quote = ""
    position = 0
    while position < len(line):
        letter = line[position]
        if letter == "\\" and quote != "'":
            pair = line[position : position + 2]
            # Only what means something here is an escape; the `\d` of a pattern stays as it is.
            parts.append(pair if quote or pair[1:] in _ESCAPED else f"\\{pair}")
            position += 2
            continue
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif line.startswith("{{", position):
            parts.append("{{")
            position += 2
            continue
        elif letter == "{" and (end := _closing(line, position)) and _is_expression(line[position + 1 : end]):
            parts.append(_LIFTED.format(len(expressions)))
            expressions.append(line[position + 1 : end].strip())
            position = end + 1
            continue
        parts.append(letter)
        position += 1
    return "".join(parts), expressions


def _closing(line: str, start: int) -> int:
    """Where the brace at `start` is closed; 0 when it is not."""
    depth = 0
    quote = ""
    for position in range(start, len(line)):
        letter = line[position]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "{}":
            depth += 1 if letter == "{" else -1
            if depth == 0:
                return position
    return 0

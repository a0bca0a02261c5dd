"""Metrics read off printed lines, for code that prints them and does not log them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

#: A line is looked at up to so many characters: an expression may take long on a long one.
LONGEST = 4096


class MetricPatterns:
    """Hears what is printed; calls `say({name: number}, step)` where a pattern matches, counting steps per name.

    It sees what Python prints in this process (`!program` in the cell, too), not what a subprocess or a compiled library
    writes into the descriptor itself.
    """

    def __init__(self, patterns: Mapping[str, str], say: Callable[[Mapping[str, float], int], None]) -> None:
        self._patterns = {name: re.compile(pattern) for name, pattern in patterns.items()}
        self._steps = dict.fromkeys(patterns, 0)
        self._say = say

    def listen(self, stream: Any) -> None:
        """Hear what is written to a text stream from now on."""
        write, rest = stream.write, ""

        def heard(text: str) -> int:
            nonlocal rest
            written: int = write(text)
            *lines, rest = re.split(r"[\r\n]", rest + text)
            for line in lines:
                self._look(line[:LONGEST])
            rest = rest[:LONGEST]
            return written

        stream.write = heard

    def _look(self, line: str) -> None:
        for name, pattern in self._patterns.items():
            for found in pattern.finditer(line):
                try:
                    value = float(found[1])
                except (TypeError, ValueError):
                    continue
                self._say({name: value}, self._steps[name])
                self._steps[name] += 1

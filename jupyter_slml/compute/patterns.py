"""Metrics read off printed lines, for code that prints them and does not log them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import regex

#: A line is looked at up to so many characters: an expression may take long on a long one.
LONGEST = 4096
#: Seconds of processor time after which an expression is not tried any more: it may go through more ways to match a line
#: than there are (`(a|aa)+$`), and the cell waits meanwhile.
PATIENCE = 1.0
#: What a line may take without being counted. Ordinary expressions take some microseconds.
_ORDINARY = 0.005


class MetricPatterns:
    """Hears what is printed; calls `say({name: number}, step)` where a pattern matches, counting steps per name.

    It sees what Python prints in this process (`!program` in the cell, too), not what a subprocess or a compiled library
    writes into the descriptor itself. An expression that takes too long is dropped, and a printed line says so.
    """

    def __init__(self, patterns: Mapping[str, str], say: Callable[[Mapping[str, float], int], None]) -> None:
        # Not `re`, whose search nothing can end.
        self._patterns = {name: regex.compile(pattern) for name, pattern in patterns.items()}
        self._steps = dict.fromkeys(patterns, 0)
        self._spent = dict.fromkeys(patterns, 0.0)
        self._say = say

    def listen(self, stream: Any) -> None:
        """Hear what is written to a text stream from now on."""
        write, rest = stream.write, ""

        def heard(text: str) -> int:
            nonlocal rest
            written: int = write(text)
            *lines, rest = re.split(r"[\r\n]", rest + text)
            for line in lines:
                for dropped in self._look(line[:LONGEST]):
                    write(f"{dropped}\n")
            rest = rest[:LONGEST]
            return written

        stream.write = heard

    def _look(self, line: str) -> list[str]:
        """Report what the line holds; returns a sentence for each pattern that is given up over it."""
        return [self._drop(name) for name, pattern in list(self._patterns.items()) if not self._search(name, pattern, line)]

    def _search(self, name: str, pattern: Any, line: str) -> bool:
        """False when the pattern has taken too long by now."""
        begun = time.thread_time()
        try:
            found = [match[1] for match in pattern.finditer(line, timeout=PATIENCE)]
        except TimeoutError:
            found = []
        # The timeout goes by the process's time, in which other threads may have had the most part.
        took = time.thread_time() - begun
        for text in found:
            try:
                value = float(text)
            except (TypeError, ValueError):
                continue
            self._say({name: value}, self._steps[name])
            self._steps[name] += 1
        if took > _ORDINARY:
            self._spent[name] += took
        return self._spent[name] < 0.9 * PATIENCE

    def _drop(self, name: str) -> str:
        pattern = self._patterns.pop(name, None)
        shown = "" if pattern is None else f" {pattern.pattern}"
        return (
            f"slml no longer looks for the metric {name!r}: its regular expression{shown} takes too long on what is "
            "printed. Repetitions inside repetitions do that; name what stands around the number instead."
        )

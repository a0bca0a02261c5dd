"""Search spaces: which values a tuning job may try, as people write them.

`max_depth=3..10` whole numbers, `eta=0.01..0.3:log` on a logarithmic scale, `x=0..1:step0.1` on a grid,
`booster=gbtree,dart` one of these, `gamma=0..5 if booster=gbtree` only where another has a certain value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import check_variable

#: Names that a cell has for other purposes.
RESERVED = ("trial", "slml")
#: Points of a grid at most.
MOST_POINTS = 100_000

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::\s*(.*?))?\s*")
_CONDITION = re.compile(r"^(.*?)\s+if\s+(\w+)\s*=\s*(.+)$", re.DOTALL)
_EXAMPLES = "write 3..10, 0.01..0.3:log, 0..1:step0.1 or one,two,three"

Choice = bool | int | float | str | None


class Condition(Frozen):
    """Holds when the parameter `name` has one of `values`."""

    name: str
    values: list[JsonValue]

    def __str__(self) -> str:
        return f"{self.name}={','.join(_shown(value) for value in self.values)}"


class SearchParameter(Frozen):
    """One searched name. A range has `low` and `high`, a choice has `choices`."""

    name: str
    kind: Literal["int", "float", "choice"]
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    choices: list[JsonValue] = Field(default_factory=list)
    condition: Condition | None = None

    @property
    def points(self) -> list[JsonValue] | None:
        """All its values; None for a continuous range, or one with too many."""
        if self.kind == "choice":
            return list(self.choices)
        if self.kind == "int":
            step = int(self.step or 1)
            count = (int(self.high) - int(self.low)) // step + 1
            return None if count > MOST_POINTS else [int(self.low) + step * index for index in range(count)]
        if self.step is None:
            return None
        first, width = Decimal(repr(self.low)), Decimal(repr(self.step))
        count = int((Decimal(repr(self.high)) - first) / width) + 1
        return None if count > MOST_POINTS else [float(first + width * index) for index in range(count)]

    def holds(self, value: JsonValue) -> bool:
        """Whether it may have this value."""
        if self.kind == "choice":
            return any(value == item and type(value) is type(item) for item in self.choices)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high and (self.kind == "float" or float(value).is_integer())

    def applies(self, values: Mapping[str, JsonValue]) -> bool:
        """Whether its condition holds, `values` being those that stand already."""
        return self.condition is None or values.get(self.condition.name, _NOTHING) in self.condition.values

    def __str__(self) -> str:
        if self.kind == "choice":
            said = ",".join(_shown(item) for item in self.choices)
        else:
            said = f"{self._number(self.low)}..{self._number(self.high)}"
            said += ":log" if self.log else "" if self.step is None else f":step{self._number(self.step)}"
        return f"{self.name}={said}" + (f" if {self.condition}" if self.condition else "")

    def _number(self, value: float) -> str:
        return f"{int(value)}" if self.kind == "int" else repr(value)


#: No value that anybody can write.
_NOTHING: JsonValue = "\0"


def parse_parameter(text: str) -> SearchParameter:
    """Read one entry. Raises ValueError that says what is wrong with it."""
    condition = None
    if found := _CONDITION.match(text):
        text, other, wanted = found[1], found[2], found[3]
        condition = Condition(name=other, values=[_choice(item) for item in _split(wanted)])
    name, equals, body = text.partition("=")
    name, body = name.strip(), body.strip()
    if not equals or not body:
        raise ValueError(f"{text[:80]!r} is no search: {_EXAMPLES}, such as max_depth=3..10")
    check_variable(name)
    if name in RESERVED:
        raise ValueError(f"{name} has a meaning of its own in the cell; give the parameter another name")
    if condition is not None and condition.name == name:
        raise ValueError(f"{name} cannot depend on itself")
    if found := _RANGE.fullmatch(body):
        return _range(name, found[1], found[2], found[3], condition)
    if ".." in body:
        raise ValueError(f"{name}={body[:80]} is no range: {_EXAMPLES}")
    choices = [_choice(item) for item in _split(body)]
    if len(choices) < 2:
        raise ValueError(f"{name}={body[:80]} is a single value and nothing to search; -p {name}={body[:80]} sets it")
    for index, item in enumerate(choices):
        if any(item == other and type(item) is type(other) for other in choices[:index]):
            raise ValueError(f"{name} has the choice {_shown(item)} twice")
    return SearchParameter(name=name, kind="choice", choices=choices, condition=condition)


def parse_space(texts: Sequence[str]) -> list[SearchParameter]:
    """Read all entries. Raises ValueError, also for what they contradict each other in."""
    space: list[SearchParameter] = []
    for text in texts:
        entry = parse_parameter(text)
        earlier = {item.name: item for item in space}
        if entry.name in earlier:
            raise ValueError(f"{entry.name} is searched twice: {earlier[entry.name]} and {entry}")
        if entry.condition is not None:
            _check_condition(entry, entry.condition, earlier)
        space.append(entry)
    return space


def grid_size(space: Sequence[SearchParameter]) -> int:
    """How many points a grid over the space has. Raises ValueError for a space that has no grid."""
    if not space:
        raise ValueError("a grid needs its parameters in --search; it cannot know what the cell will suggest")
    size = 1
    for entry in space:
        points = entry.points
        if entry.condition is not None:
            raise ValueError(f"a grid has every combination, so {entry.name} cannot have a condition")
        if points is None:
            raise ValueError(
                f"a grid cannot go through the continuous range {entry}: give it a step, such as "
                f"{entry.name}={entry.low:g}..{entry.high:g}:step{(entry.high - entry.low) / 4:g}, or choices"
            )
        size *= len(points)
        if size > MOST_POINTS:
            raise ValueError(f"the grid has more than {MOST_POINTS:,} points; use another sampler, such as tpe")
    return size


def _range(name: str, first: str, last: str, rest: str | None, condition: Condition | None) -> SearchParameter:
    whole = all(re.fullmatch(r"[+-]?\d+", text) for text in (first, last))
    low, high = float(first), float(last)
    shown = f"{name}={first}..{last}"
    log, step = False, None
    for word in (rest or "").split(":") if rest is not None else []:
        if word.strip() == "log":
            log = True
        elif found := re.fullmatch(rf"\s*step\s*=?\s*({_NUMBER})\s*", word):
            step = float(found[1])
            whole = whole and step.is_integer()
        else:
            raise ValueError(f"{shown}:{word.strip()[:40]}: a range takes :log or :stepNUMBER")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{shown} is not finite")
    if high <= low:
        problem = "is a single value" if high == low else f"is empty, {last} is below {first}"
        raise ValueError(f"{shown} {problem}; a range goes from the smaller to the larger number")
    if log and low <= 0:
        raise ValueError(f"{shown}:log begins at {first}: a logarithmic range needs numbers above zero")
    if log and step is not None:
        raise ValueError(f"{shown} cannot have both :log and :step")
    if step is not None and not 0 < step <= high - low:
        raise ValueError(f"{shown}:step{step:g}: a step is above zero and not longer than the range")
    if step is not None and whole:
        # The last point that is reached.
        high = low + step * math.floor((high - low) / step)
    return SearchParameter(
        name=name, kind="int" if whole else "float", low=low, high=high, step=step, log=log, condition=condition
    )


def _check_condition(entry: SearchParameter, condition: Condition, earlier: Mapping[str, SearchParameter]) -> None:
    other = earlier.get(condition.name)
    if other is None:
        raise ValueError(f"{entry.name} depends on {condition.name}, which is not searched before it")
    for value in condition.values:
        if not other.holds(value):
            raise ValueError(f"{entry.name} depends on {condition.name}={_shown(value)}, which {other} never has")


def _split(text: str) -> list[str]:
    """At commas outside of quotes and brackets. Raises ValueError for an empty part."""
    parts = [part.strip() for part in re.findall(r'(?:"[^"]*"|\'[^\']*\'|[^,])+|(?<=,)(?=,|$)|^(?=,)', text)]
    if not all(parts):
        raise ValueError(f"{text[:80]!r} has an empty choice")
    return parts


def _choice(text: str) -> Choice:
    if text in ("True", "False", "None", "none", "null"):
        return {"True": True, "False": False}.get(text)
    try:
        value = json.loads(text)
    except ValueError:
        value = text.strip("'\"")
    if not isinstance(value, (bool, int, float, str, type(None))):
        raise ValueError(f"{text[:80]} cannot be a choice: choices are numbers, texts, true, false and none")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{text[:80]} is not finite")
    return value


def _shown(value: JsonValue) -> str:
    if isinstance(value, str):
        return value if _choice(value) == value and not re.search(r"[,\s]", value) else f'"{value}"'
    return "none" if value is None else json.dumps(value)

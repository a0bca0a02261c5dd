"""The shape of every life cycle: a pure table from (state, event) to (state, effects).

`Table.apply` is the one function that moves anything. It reads no clock and does no I/O, so a life cycle can be walked by a
property test, and it refuses a missing edge with the object's story, so that the error is already the bug report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from jupyter_slml.errors import IllegalMove

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
F = TypeVar("F", bound=Enum)


@dataclass(frozen=True)
class Move(Generic[S, F]):
    """Where an edge leads, and what must be done because of it, in order."""

    state: S
    effects: tuple[F, ...] = ()


@dataclass(frozen=True)
class Table(Generic[S, E, F]):
    """A life cycle: its start, and every edge that exists."""

    noun: str
    initial: S
    edges: Mapping[tuple[S, E], Move[S, F]] = field(repr=False)

    def allows(self, state: S, event: E) -> bool:
        return (state, event) in self.edges

    def apply(self, state: S, event: E, *, subject: str = "?", story: Sequence[str] = ()) -> Move[S, F]:
        """Follow the edge. Raises IllegalMove, with the story, when there is none."""
        try:
            return self.edges[state, event]
        except KeyError:
            raise IllegalMove(
                f"{self.noun} {subject} is {state.value}: {event.value!r} cannot happen to it.",
                field="event",
                value=event.value,
                remedy="This is a fault of the platform; please report it with the story below.",
                detail={"story": list(story)},
            ) from None

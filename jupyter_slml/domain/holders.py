"""Who held a stage or an alias before: read off the log of moves, so that a rollback can take the last one back.

Rollbacks do not count as moves: each takes one away. Two in a row therefore go two steps back, and never forward to the
version that was left for a reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_slml.domain.records import Transition


@dataclass(frozen=True)
class Holder:
    """A version (None: nobody) and the move that brought it there."""

    number: int | None
    move: Transition


def holders(moves: Iterable[Transition], place: str) -> list[Holder]:
    """The holders of a stage or an alias, first to last, given its moves, oldest first.

    A version that enters comes before the one that it pushes out, so that leaving counts only where it leaves nobody.
    """
    found: list[Holder] = []
    for move in moves:
        if move.undoes is not None:
            if found and found[-1].move.id == move.undoes:
                found.pop()
        elif move.kind == "alias":
            found.append(Holder(None if move.after is None else move.number, move))
        elif move.after == place:
            found.append(Holder(move.number, move))
        elif found and found[-1].number == move.number:
            found.append(Holder(None, move))
    return found

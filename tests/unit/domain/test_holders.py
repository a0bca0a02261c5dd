"""Who held a place before."""

from __future__ import annotations

from jupyter_slml.domain.holders import holders
from jupyter_slml.domain.records import Transition


def move(number: int, before: str | None, after: str | None, key: int, undoes: int | None = None) -> Transition:
    return Transition(
        id=key, at=0, model="m", number=number, kind="stage", before=before, after=after, actor="me", undoes=undoes
    )


def numbers(*moves: Transition) -> list[int | None]:
    return [holder.number for holder in holders(moves, "production")]


FIRST = move(1, "candidate", "production", 1)
SECOND = (move(2, "staging", "production", 2), move(1, "production", "archived", 3))
BACK = (move(2, "production", "staging", 4, undoes=2), move(1, "archived", "production", 5, undoes=2))


def test_who_is_pushed_out_leaves_nobody_behind() -> None:
    assert numbers(FIRST, *SECOND) == [1, 2]


def test_who_leaves_by_itself_leaves_nobody() -> None:
    assert numbers(FIRST, move(1, "production", "archived", 2)) == [1, None]


def test_a_rollback_takes_its_move_away() -> None:
    """So that the next one goes further back, and not forward again."""
    assert numbers(FIRST, *SECOND, *BACK) == [1]
    third = (move(3, "candidate", "production", 6), move(1, "production", "archived", 7))
    assert numbers(FIRST, *SECOND, *BACK, *third) == [1, 3]


def test_leaving_can_be_taken_back() -> None:
    left = move(1, "production", "archived", 2)
    assert numbers(FIRST, left, move(1, "archived", "production", 3, undoes=2)) == [1]

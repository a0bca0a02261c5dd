"""Whose turn it is: the order in which queued jobs get free slots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from jupyter_slml.storage import queue


class Queued(Protocol):
    """What the order depends on."""

    @property
    def id(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def created_at(self) -> float: ...


Q = TypeVar("Q", bound=Queued)


def in_turn(jobs: Iterable[Q], live: Mapping[str, int], served: Mapping[str, float]) -> list[Q]:
    """The jobs in the order of their turns.

    Higher priority first. Within one priority users take turns, so that one user's thousand jobs do not hold up another's
    one: the n-th job of a user who holds k slots (`live`) has turn n + k, and of equal turns the user goes first who was
    served longest ago (`served`: epoch seconds of the last start). A user's own jobs come in the order of their submission.
    """
    turns: dict[tuple[str, int], int] = {}
    keyed = []
    for job in sorted(jobs, key=lambda job: (job.created_at, job.id)):
        turn = turns[job.user, job.priority] = turns.get((job.user, job.priority), 0) + 1
        key = (-job.priority, turn + live.get(job.user, 0), served.get(job.user, 0.0), job.created_at, job.id)
        keyed.append((key, job))
    return [job for _, job in sorted(keyed, key=lambda pair: pair[0])]


def places(connection: Connection, asked: Sequence[queue.Waiting], live: Mapping[str, int]) -> dict[str, int]:
    """How many jobs are ahead of each of these in the order of `in_turn` (when nobody was served before).

    Counted by the database over an index rather than sorted here: a long queue brings no more rows than a short one.
    """
    if not asked:
        return {}
    lengths, numbers = queue.lengths(connection), queue.numbers(connection, asked)
    found, rivals = {}, []
    for job in asked:
        turn, ahead = numbers[job.id] + live.get(job.user, 0), numbers[job.id] - 1
        for (user, priority), length in lengths.items():
            if priority > job.priority:
                ahead += length
            elif priority == job.priority and user != job.user:
                same = turn - live.get(user, 0)
                ahead += max(0, min(length, same - 1))
                if 1 <= same <= length:
                    rivals.append((job, user, same))
        found[job.id] = ahead
    if rivals:
        # Of jobs with the same turn those are ahead that were submitted before.
        standing = queue.standing(connection, {number for _, _, number in rivals})
        for job, user, number in rivals:
            found[job.id] += standing[user, job.priority, number] < (job.created_at, job.id)
    return found

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

    Counted rather than sorted: it reads no more of a long queue than of a short one, the database counts over an index.
    """
    if not asked:
        return {}
    lengths, numbers = queue.lengths(connection), queue.numbers(connection, asked)
    turns = {job.id: numbers[job.id] + live.get(job.user, 0) for job in asked}
    found = {}
    for job in asked:
        found[job.id] = numbers[job.id] - 1
        for (user, priority), length in lengths.items():
            if priority > job.priority:
                found[job.id] += length
            elif priority == job.priority and user != job.user:
                found[job.id] += max(0, min(length, turns[job.id] - live.get(user, 0) - 1))
    # Of the other users' jobs with the same turn those are ahead that were submitted before.
    for (user, priority), length in lengths.items():
        rivals = {job: turns[job.id] - live.get(user, 0) for job in asked if job.priority == priority and job.user != user}
        rivals = {job: number for job, number in rivals.items() if 1 <= number <= length}
        standing = queue.standing(connection, user, priority, rivals.values()) if rivals else {}
        for job, number in rivals.items():
            found[job.id] += standing[number] < (job.created_at, job.id)
    return found

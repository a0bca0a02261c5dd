"""What an observer hears of an order whose supervising task was made again."""

from __future__ import annotations

from typing import Any

from jupyter_slml.compute.tracked import Tracked
from jupyter_slml.domain.orders import AttemptOrder, Limits
from jupyter_slml.domain.specs import JobSpec


class Heard:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


def test_a_replayed_start_and_first_line_are_told_once() -> None:
    order = AttemptOrder(
        id="attempt-1",
        job="job-1",
        job_name="churn",
        number=1,
        spec=JobSpec(source="1"),
        limits=Limits(threads=1, memory=1),
        resources={},
        store="file:///nowhere",
    )
    tracked, heard = Tracked(order), Heard()
    replayed: list[dict[str, Any]] = [
        {"kind": "started", "address": "tcp://a", "host": "h", "pid": 7, "at": 1.0},
        {"kind": "first_line", "at": 2.0},
    ]
    for message in replayed * 2:
        tracked.hear(message, heard)
    assert heard.calls == [("attempt_started", "attempt-1", "h", 7, 1.0), ("attempt_first_line", "attempt-1", 2.0)]

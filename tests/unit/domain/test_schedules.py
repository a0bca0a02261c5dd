"""A minimum by time."""

from __future__ import annotations

from datetime import datetime

import pytest

from jupyter_slml.domain.schedules import Schedule
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.errors import Invalid

#: A working week: more from eight to six, and most at noon. 2026-11-24 is a Tuesday.
OFFICE = ["0 8 * * 1-5=2", "0 12 * * 1-5=5", "0 13 * * 1-5=2", "0 18 * * 1-5=0"]


@pytest.mark.parametrize(
    ("day", "hour", "minute", "least", "then"),
    [
        (24, 7, 59, 0, (24, 8)),
        (24, 8, 0, 2, (24, 12)),
        (24, 12, 30, 5, (24, 13)),
        (24, 17, 59, 2, (24, 18)),
        (24, 18, 0, 0, (25, 8)),
        (28, 12, 0, 0, (30, 8)),
    ],
)
def test_the_latest_one_that_has_come_holds(day: int, hour: int, minute: int, least: int, then: tuple[int, int]) -> None:
    schedule = Schedule(OFFICE)
    now = datetime(2026, 11, day, hour, minute, 30)
    assert schedule.least(now) == least
    assert schedule.next(now) == datetime(2026, 11, *then)
    assert schedule.largest == 5


def test_of_two_at_once_the_one_that_was_written_last_holds() -> None:
    assert Schedule(["0 8 * * *=1", "0 8 * * *=3"]).least(datetime(2026, 11, 24, 9)) == 3
    assert not Schedule([])
    assert Schedule([]).least(datetime(2026, 11, 24)) == 0 and Schedule([]).next(datetime(2026, 11, 24)) is None


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("x", "not CRON=N with five fields"),
        ("0 8 * *=2", "not CRON=N with five fields"),
        ("0 8 * * * *=2", "not CRON=N with five fields"),
        ("@hourly=1", "not CRON=N with five fields"),
        ("0 8 * * 1-5=two", "not CRON=N with five fields"),
        ("0 8 * * 1-5=-1", "not CRON=N with five fields"),
        ("61 8 * * *=1", "bad minute"),
        ("0 8 * * 9=1", "bad day-of-week"),
        ("0 8 30 2 *=1", "bad day-of-month"),
        ("0 8 * * *=5", "--schedule asks for 5 replicas, which is more than --max 4"),
    ],
)
def test_what_is_none_is_told_before_anything_is_deployed(entry: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        DeploySpec.parse({"model": "churn", "schedule": [entry]})

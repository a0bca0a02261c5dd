"""A minimum by time: entries `CRON=N`, of which the latest one that has come holds. Times are local ones, without a zone:
on the day that summer time begins or ends an entry comes once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


class Schedule:
    """Entries, read. Raises ValueError that names the entry which is none."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = [_entry(text) for text in entries]

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def largest(self) -> int:
        """The greatest number that it ever asks for."""
        return max((count for _, count in self._entries), default=0)

    def least(self, now: datetime) -> int:
        """What holds at that time: the entry that came last, of several at once the one that was written last. 0 while
        none has come."""
        from cronsim import CronSim

        found: tuple[datetime, int] | None = None
        for cron, count in self._entries:
            # Backwards from the next minute on, so that one that comes in this minute holds already.
            came = next(CronSim(cron, _minute(now) + timedelta(minutes=1), reverse=True), None)
            if came is not None and (found is None or came >= found[0]):
                found = came, count
        return 0 if found is None else found[1]

    def next(self, now: datetime) -> datetime | None:
        """When an entry comes next; None when none ever does."""
        from cronsim import CronSim

        coming = (next(CronSim(cron, _minute(now)), None) for cron, _ in self._entries)
        return min((time for time in coming if time is not None), default=None)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def _entry(text: str) -> tuple[str, int]:
    # Where a schedule is given, a kernel reads it: nobody else shall wait for the import.
    from cronsim import CronSim, CronSimError

    cron, equals, number = (part.strip() for part in text.rpartition("="))
    if not equals or len(cron.split()) != 5 or not number.isascii() or not number.isdigit():
        raise ValueError(f"{text[:80]!r} is not CRON=N with five fields of cron, such as '0 8 * * 1-5=2'")
    try:
        CronSim(cron, datetime(2026, 1, 1))
    except CronSimError as error:
        raise ValueError(
            f"{text[:80]!r} is not CRON=N: {str(error).lower()} (the fields are minute, hour, day of the month, month, "
            "day of the week)"
        ) from None
    return cron, int(number)

"""How far a batch job is: rows, rate, time left, errors, and whether they are too many."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from jupyter_slml.compute.batch.apart import Answer, failed
from jupyter_slml.compute.channel import Channel
from jupyter_slml.domain.batch import ErrorLimit, PartRecord, Plan
from jupyter_slml.domain.specs.batch import BatchSpec

#: Seconds between two words to the supervisor, and over which the rate is taken.
_TELL, _WINDOW = 0.5, 15.0


class Progress:
    def __init__(self, plan: Plan, spec: BatchSpec, committed: dict[int, PartRecord], channel: Channel) -> None:
        self.plan = plan
        self.records = dict(committed)
        self._limit = ErrorLimit.parse(spec.max_errors)
        self._channel = channel
        #: Rows and errors of parts that are being done.
        self._under_way: dict[int, tuple[int, int]] = {}
        self._begun = time.monotonic()
        #: Rows of earlier attempts, which are no work of this one.
        self._before = sum(record.rows + record.errors for record in committed.values())
        self._seen: deque[tuple[float, int]] = deque()
        self._told = 0.0
        self.damaged = sum(bool(file.problem) for file in plan.files)
        self._first_bad = next((f"{file.path}: {file.problem}" for file in plan.files if file.problem), "")
        #: The user's own exception that was raised first.
        self.raised: dict[str, Any] | None = None
        for record in committed.values():
            self.part(record)

    @property
    def errors(self) -> int:
        committed = sum(record.errors for record in self.records.values())
        return committed + self.damaged + sum(errors for _, errors in self._under_way.values())

    @property
    def rows(self) -> int:
        """Rows that were seen, with those that failed."""
        committed = sum(record.rows + record.errors for record in self.records.values())
        return committed + sum(rows for rows, _ in self._under_way.values())

    def moved(self, part: int, rows: int, errors: int) -> None:
        self._under_way[part] = (rows, errors)

    def dropped(self, part: int) -> None:
        """Its process died: what it had done counts no more."""
        self._under_way.pop(part, None)

    def done(self, record: PartRecord) -> None:
        self._under_way.pop(record.part, None)
        self.records[record.part] = record
        self.part(record)
        self.tell()

    def part(self, record: PartRecord) -> None:
        """Tell the supervisor what a part is now."""
        self._channel.send({"kind": "part", "record": record.model_dump(mode="json")})

    def note(self, where: str) -> None:
        """The first record that failed."""
        self._first_bad = self._first_bad or where

    def verdict(self, *, final: bool = False) -> Answer | None:
        """The failed result when too many records failed."""
        if not self._limit.passed(self.errors, self.rows, self.plan.total, final=final):
            return None
        count = self.errors
        message = (
            f"{count:,} record{'s' if count != 1 else ''} failed, and --max-errors allows {self._limit}. "
            f"{self._first_bad}. What is committed stays; --resume goes on with another --max-errors."
        ).replace("..", ".")
        if self.raised is not None:
            return {"error": self.raised["error"], "message": message}
        return failed("input", message)

    def tell(self, *, final: bool = False) -> None:
        """The figures, at most twice a second."""
        now = time.monotonic()
        if now - self._told < _TELL and not final:
            return
        self._told = now
        rows = self.rows
        self._seen.append((now, rows))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        took = now - self._begun
        rate = (rows - self._before) / took if took > 0 else 0.0
        if not final and len(self._seen) > 2:
            first, before = self._seen[0]
            rate = (rows - before) / (now - first)
        values = {
            "rows": rows,
            "errors": self.errors,
            "rows_per_second": round(rate, 1),
            "parts": len(self.records),
            "parts_total": len(self.plan.parts),
        }
        if self.plan.total is not None:
            values["rows_total"] = self.plan.total
            if rate > 0 and not final:
                values["eta_seconds"] = round((self.plan.total - rows) / rate, 1)
            elif final:
                values["eta_seconds"] = 0.0
        self._channel.send({"kind": "metric", "values": values, "step": None, "at": time.time()})

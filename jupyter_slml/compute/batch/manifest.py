"""What is known beside the output: the plan, a line per committed part, the mark of the end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any, BinaryIO

from jupyter_slml.compute.batch.target import ERRORS, MANIFEST, SUCCESS, Target
from jupyter_slml.domain.batch import PartRecord, Plan, part_name

_PLAN = f"{MANIFEST}/plan.json"


class Manifest:
    def __init__(self, target: Target) -> None:
        self._target = target

    def plan(self) -> Plan | None:
        """The plan that an earlier attempt or job left. Raises ValueError when it is no plan."""
        try:
            return Plan.model_validate_json(self._target.read(_PLAN))
        except FileNotFoundError:
            return None

    def keep(self, plan: Plan) -> Plan:
        """Put the plan down; returns the one that holds, which is another when somebody was faster."""
        if self._target.create(_PLAN, plan.model_dump_json().encode()):
            return plan
        found = self.plan()
        assert found is not None
        return found

    def committed(self, plan: Plan) -> dict[int, PartRecord]:
        """Parts whose line and file agree with each other and with the plan. The lines of others are deleted: they are
        done again."""
        found: dict[int, PartRecord] = {}
        sizes = {name for name in self._target.names() if name.startswith(f"{MANIFEST}/part-")}
        for part in plan.parts:
            name = _line(part.number)
            if name not in sizes:
                continue
            record = self._record(name)
            if record is not None and record.input == plan.fingerprint(part) and self._agrees(record):
                found[part.number] = record
            else:
                self._target.delete(name)
        return found

    def commit(self, record: PartRecord) -> PartRecord:
        """The one line of a part: returns the one that holds."""
        name = _line(record.part)
        if self._target.create(name, record.model_dump_json().encode()):
            return record
        return self._record(name) or record

    def holds(self, number: int) -> PartRecord | None:
        """The part's line, if it has one."""
        return self._record(_line(number)) if self._target.size(_line(number)) is not None else None

    def finish(self, plan: Plan, records: Iterable[PartRecord]) -> dict[str, Any]:
        """Delete what no line names, then say that all is there. Returns the totals."""
        kept = list(records)
        files = {record.file for record in kept}
        for name in self._target.names():
            if "/" not in name and name.startswith("part-") and name not in files:
                self._target.delete(name)
        totals = {
            "job": plan.job,
            "parts": len(kept),
            "rows": sum(record.rows for record in kept),
            "errors": sum(record.errors for record in kept),
            "bytes": sum(record.bytes for record in kept),
            "files": len(plan.files),
            "format": plan.output_format,
            "at": time.time(),
        }
        self._target.delete(SUCCESS)
        self._target.create(SUCCESS, json.dumps(totals).encode())
        return totals

    def clear(self) -> list[str]:
        """Delete everything that a batch job writes; returns what is left, which somebody else wrote."""
        left = []
        for name in self._target.names():
            if is_ours(name):
                self._target.delete(name)
            else:
                left.append(name)
        return left

    def _record(self, name: str) -> PartRecord | None:
        try:
            return PartRecord.model_validate_json(self._target.read(name))
        except (FileNotFoundError, ValueError):
            return None

    def _agrees(self, record: PartRecord) -> bool:
        if not record.file:
            return True
        if self._target.size(record.file) != record.bytes:
            return False
        if not hasattr(self._target, "root"):
            # A store keeps what it has; reading all of it again would cost as much as the work.
            return True
        with self._target.open(record.file) as file:
            return _sha256(file) == record.sha256


def is_ours(name: str) -> bool:
    """Whether a batch job writes a file of this name."""
    first = name.partition("/")[0]
    kinds = tuple(part_name(0, kind)[len("part-00000") :] for kind in ("parquet", "csv", "jsonl", "arrow"))
    return first in (MANIFEST, ERRORS, SUCCESS) or ("/" not in name and name.startswith("part-") and name.endswith(kinds))


def errors_name(number: int) -> str:
    """The table of the records of a part that failed."""
    return f"{ERRORS}/part-{number:05d}.jsonl"


def _line(number: int) -> str:
    return f"{MANIFEST}/part-{number:05d}.json"


def _sha256(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while block := file.read(1 << 20):
        found.update(block)
    return found.hexdigest()

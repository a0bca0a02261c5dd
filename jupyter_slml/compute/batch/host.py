"""The program of a batch attempt: binds what travelled, has the input looked at, loads the model, forks slots."""

from __future__ import annotations

import ast
import os
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_slml.compute import cell as cells
from jupyter_slml.compute import procfs
from jupyter_slml.compute.batch.apart import Answer, apart, failed
from jupyter_slml.compute.batch.crew import Crew
from jupyter_slml.compute.batch.manifest import Manifest
from jupyter_slml.compute.batch.models import CellModel, RegisteredModel, Work
from jupyter_slml.compute.batch.outset import about, begin, summary
from jupyter_slml.compute.batch.planner import Planner, work_digest
from jupyter_slml.compute.batch.progress import Progress
from jupyter_slml.compute.batch.rows import first_line
from jupyter_slml.compute.batch.slot import Slot
from jupyter_slml.compute.batch.target import target
from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.environment import environment
from jupyter_slml.compute.failures import describe
from jupyter_slml.compute.wire import Link, pair
from jupyter_slml.domain.batch import PartRecord, Plan
from jupyter_slml.domain.specs.batch import FRAME, MODEL, BatchSpec
from jupyter_slml.errors import SlmlError

prepare = cells.prepare

#: Of the instance's memory, what the slots may have together: one that takes more ends before all of them do.
_SHARED = 0.85


def run(payload: dict[str, Any], messages: int) -> int:
    """Run the batch job that `payload` describes. Returns the exit code; never raises."""
    prepare()
    channel = Channel(messages)
    host = Host(payload, channel)
    try:
        result = host.run()
    except SystemExit as leaving:
        result = {"exit": leaving.code if isinstance(leaving.code, int) else 1}
    return 0 if channel.send({"kind": "result", "outputs": [], "skipped": {}, **result}) else 1


class Host:
    def __init__(self, payload: dict[str, Any], channel: Channel) -> None:
        self.payload = payload
        self.channel = channel
        self.given = payload["batch"]
        self.spec = BatchSpec.model_validate(self.given["spec"])
        self.cell = cells.Cell(payload, channel, cells.shell())
        captures = {item["name"]: item for item in payload["captures"]}
        self.frame: str | None = captures[FRAME]["path"] if FRAME in captures else None
        self.model: str | None = captures[MODEL]["path"] if MODEL in captures else None
        self._captures = [(item["name"], item["digest"]) for item in payload["captures"]]

    def run(self) -> Answer:
        bound = self.cell.bind()
        if bound is not None:
            return bound
        self.channel.send({"kind": "first_line", "at": time.time()})
        if self.model is None:
            ran = self._define()
            if ran is not None:
                return ran
        answer = apart(self._outset)
        if "plan" not in answer:
            return answer
        plan = Plan.model_validate(answer["plan"])
        committed = {item["part"]: PartRecord.model_validate(item) for item in answer["committed"]}
        try:
            work = self._work(plan)
        except SlmlError as error:
            return failed("input", f"{error.message} {error.remedy or ''}".strip())
        except Exception as error:
            return failed("input", f"The model cannot be loaded: {first_line(error)}")
        return self._predict(plan, committed, work)

    def _define(self) -> Answer | None:
        """Run the cell, which defines `predict`. Returns a failed result when it raises."""
        ran: Any = self.cell.shell.run_cell(self.payload["source"])  # type: ignore[no-untyped-call]
        error = ran.error_before_exec or ran.error_in_exec
        if isinstance(error, SystemExit):
            raise error
        return None if error is None else {"error": describe(error, self.cell.name, self.cell.folder)}

    def _outset(self) -> Answer:
        # The lines of the magic are comments of the cell, and say how it shall run and not what it does.
        code = ast.dump(ast.parse(self.cell.shell.transform_cell(self.payload["source"])))
        digest = work_digest(self.spec, code, self._captures, self.payload["parameters"])
        planner = Planner(self.spec, self.payload["job"], digest, self.given["parallel"])
        return about(*begin(planner, target(self.spec.output), self.frame))

    def _work(self, plan: Plan) -> Work:
        if self.spec.model is None:
            return CellModel(self.cell.shell.user_ns, plan.features)
        assert self.model is not None
        path = Path(self.model)
        return RegisteredModel(path, self.spec.model, plan.features, allow_pickle=self.spec.allow_pickle)

    def _predict(self, plan: Plan, committed: dict[int, PartRecord], work: Work) -> Answer:
        open_parts = [part.number for part in plan.parts if part.number not in committed]
        slots = min(self.given["parallel"], max(1, len(open_parts)))
        print(summary(plan, slots, len(committed)))  # noqa: T201
        progress = Progress(plan, self.spec, committed, self.channel)
        if (early := progress.verdict()) is not None:
            return early
        threads = max(1, self.given["threads"] // slots)
        told = {
            "host": os.getpid(),
            "threads": threads,
            "frame": self.frame,
            "attempt": self.payload["attempt"],
            "cell": self.cell.name,
            "work": self.payload["work"],
        }

        def fork() -> tuple[int, Link]:
            ours, theirs = pair()
            sys.stdout.flush()
            sys.stderr.flush()
            pid = os.fork()
            if pid == 0:
                ours.close()
                crew.forget()
                Slot(Link(theirs), self.spec, plan, work, target(self.spec.output), dict(told)).run()
            theirs.close()
            return pid, Link(ours)

        memory = int(self.given["memory"] * _SHARED / slots)
        crew = Crew(fork, open_parts, slots, self.spec, progress, memory, procfs.private_memory(os.getpid()))
        result = crew.work()
        if result is not None:
            return result
        ended = apart(lambda: Manifest(target(self.spec.output)).finish(plan, progress.records.values()))
        if "parts" not in ended:
            return ended
        progress.tell(final=True)
        print(  # noqa: T201
            f"{ended['rows']:,} rows predicted, {ended['errors'] + progress.damaged:,} failed; "
            f"{ended['parts']} part{'s' if ended['parts'] != 1 else ''} in {self.spec.output}"
        )
        return {"error": None, "environment": environment()}

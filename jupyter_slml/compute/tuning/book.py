"""The runner's side of a tuning attempt: keeps the records of its trials, and what the best of them left.

A record is in the store before anybody hears of it, and after the bytes that it names. The next attempt reads them all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_slml.compute.chunks import Chunks
from jupyter_slml.compute.files import bring as bring_files
from jupyter_slml.compute.outcomes import persist, store_output
from jupyter_slml.compute.supervisor import Message, RunnerContext
from jupyter_slml.domain.orders import AttemptOrder, Limits
from jupyter_slml.domain.trials import Study, Trial, best, fold
from jupyter_slml.errors import NotFound, SlmlError
from jupyter_slml.ports.blobs import Blobs, attempt_key

logger = logging.getLogger(__name__)

#: Seconds that the end of a trial may wait to be stored with others.
DELAY = 0.02


class TrialBook:
    """Implements `companion.Companion`."""

    program = "tuning"

    def __init__(self, order: AttemptOrder, context: RunnerContext) -> None:
        self.order = order
        self.blobs = context.blobs
        self.scratch = context.scratch(order.id)
        assert order.spec.tuning is not None
        self.options = order.spec.tuning
        self.parallel = self.options.parallel or order.limits.threads
        # The prefix computes with one thread, so that what it makes may be forked.
        self.limits: Limits = order.limits.evolve(threads=1)
        self.trials: dict[int, Trial] = {}
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._chunks: Chunks | None = None
        self._writing: asyncio.Task[None] | None = None
        self._waits: Callable[[str], None] = lambda text: None

    def prepare(self) -> dict[str, Any]:
        study = read(self.blobs, self.order.earlier)
        known = [read(self.blobs, attempts) for attempts in self.order.known]
        done = [trial for trial in study.trials if trial.state in ("complete", "pruned", "failed")]
        self.trials = {trial.number: trial for trial in done}
        path = self.scratch / "history.json"
        path.write_text(
            json.dumps(
                {
                    "done": [trial.model_dump(mode="json") for trial in done],
                    "again": [trial.model_dump(mode="json") for trial in study.trials if trial.state == "stopped"],
                    "seen": study.lines,
                    "spent": max((trial.spent for trial in done), default=0.0),
                    "attrs": study.study_attrs,
                    "known": [[trial.model_dump(mode="json") for trial in item.trials] for item in known],
                }
            )
        )
        limits = self.order.limits
        return {
            "tuning": {
                "options": self.options.model_dump(mode="json"),
                "parallel": self.parallel,
                "threads": max(1, limits.threads // self.parallel),
                "memory": limits.memory,
                "grace": limits.grace,
                "price": self.order.price,
                "history": str(path),
            }
        }

    def open(self, tell: Callable[[], None], waits: Callable[[str], None]) -> None:
        self._waits = waits
        self._chunks = Chunks(self.blobs, self.order.id, "trials", lambda sequence: tell(), longest=DELAY)
        self._writing = asyncio.create_task(self._write(), name=f"trials-{self.order.id}")

    def hear(self, message: Message) -> None:
        if message.get("kind") == "trial":
            self._queue.put_nowait(message)

    async def close(self) -> None:
        self._queue.put_nowait(None)
        if self._writing is not None:
            await self._writing
        if self._chunks is not None:
            await self._chunks.close()

    def found(self) -> dict[str, Any]:
        top = best(self.trials.values(), self.options.objectives)
        if top is None:
            return {}
        found: dict[str, Any] = {"outputs": top.outputs, "files": top.files, "skipped": top.skipped}
        if top.environment:
            found["environment"] = top.environment
        if top.displays:
            found["displays"] = top.displays
        return found

    async def _write(self) -> None:
        """One after the other, so that records keep their order."""
        assert self._chunks is not None
        while (message := await self._queue.get()) is not None:
            try:
                line = message["line"]
                if message.get("left"):
                    line["trial"] |= await self._store(message["left"])
                trial = line.get("trial")
                if trial is not None and trial["state"] != "running":
                    self.trials[trial["number"]] = Trial.model_validate(trial)
                    self._forget(trial["number"])
            except (SlmlError, KeyError, ValueError):
                # A record that cannot be: the trial's outputs were refused for good, or the child wrote there itself.
                logger.exception("a trial of %s", self.order.id)
                continue
            self._chunks.add(line)
            await self._chunks.room()

    async def _store(self, left: Message) -> dict[str, Any]:
        call = partial(persist, waits=self._waits)
        outputs = [await call(store_output, self.blobs, item) for item in left["outputs"]]
        files, behind = await call(bring_files, self.blobs, Path(left["folder"]) / "output")
        displays = None if left["displays"] is None else (await call(self.blobs.add_file, Path(left["displays"])))[0]
        return {
            "outputs": [item.model_dump(mode="json") for item in outputs],
            "files": [item.model_dump(mode="json") for item in files],
            "skipped": left["skipped"] | behind,
            "environment": left["environment"],
            "displays": displays,
        }

    def _forget(self, number: int) -> None:
        """Its directory, beside the main line."""
        folder = self.scratch / "trials" / str(number)
        asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(folder, ignore_errors=True))


def read(blobs: Blobs, attempts: list[str]) -> Study:
    """The trials of attempts that are over, in their order."""
    lines = ((number, json.loads(line)) for number, attempt in enumerate(attempts, 1) for line in _lines(blobs, attempt))
    return fold(lines, final=True)


def _lines(blobs: Blobs, attempt: str) -> Iterator[bytes]:
    sequence = 1
    while True:
        try:
            data = blobs.get(attempt_key(attempt, f"trials/{sequence:08d}.jsonl"))
        except NotFound:
            return
        yield from data.splitlines()
        sequence += 1

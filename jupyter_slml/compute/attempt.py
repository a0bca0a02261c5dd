"""Looks after one attempt in the runner: fork, listen, store, commit."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import math
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jupyter_slml.compute.amounts import size_text
from jupyter_slml.compute.batch.book import PartBook
from jupyter_slml.compute.chunks import Chunks
from jupyter_slml.compute.companion import Companion
from jupyter_slml.compute.files import bring as bring_files
from jupyter_slml.compute.fork import Child
from jupyter_slml.compute.inputs import bring, in_thread
from jupyter_slml.compute.log import Log
from jupyter_slml.compute.messages import MessagePipe
from jupyter_slml.compute.metrics import Metrics
from jupyter_slml.compute.notices import Notices
from jupyter_slml.compute.outcomes import (
    claim,
    commit,
    give_up,
    persist,
    read_outcome,
    read_start,
    storage_failure,
    store_output,
    verdict,
)
from jupyter_slml.compute.output_pipe import OutputPipe
from jupyter_slml.compute.room import FULL
from jupyter_slml.compute.scratch import outgrown
from jupyter_slml.compute.source import InputFailed
from jupyter_slml.compute.supervisor import Emit, Message, RunnerContext
from jupyter_slml.compute.transcript import Transcript
from jupyter_slml.compute.tuning.book import TrialBook
from jupyter_slml.domain.orders import AttemptOrder
from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.specs import JobKind
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import IntegrityError, NotFound, SlmlError, StorageFull, Unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Kinds of jobs whose attempts are more than one run of one cell.
COMPANIONS: Mapping[JobKind, Callable[[AttemptOrder, RunnerContext], Companion]] = {
    JobKind.TUNING: TrialBook,
    JobKind.BATCH: PartBook,
}


class AttemptSupervisor:
    """Implements `supervisor.Supervisor` for `AttemptOrder`. The last message holds the committed outcome, or, when another
    runner has the attempt, `{"kind": "fenced", "start": {host, runner, at}}`."""

    def __init__(self, order: AttemptOrder, context: RunnerContext) -> None:
        self.order = order
        kind = COMPANIONS.get(order.spec.kind)
        self.companion = None if kind is None else kind(order, context)
        self.context = context
        self.blobs = context.blobs
        self.scratch = context.scratch(order.id)
        self.child: Child | None = None
        self.result: dict[str, Any] | None = None
        self.first_line: float | None = None
        self.metrics: dict[str, float] = {}
        self.transcript = Transcript()
        self._stop: tuple[str, float] | None = None
        self._started: Message | None = None
        self._logged = 0
        self._emit: Emit = lambda message: None
        self._notices: Notices | None = None
        #: What the store refuses now.
        self._waits = ""
        #: Why we ended it ourselves.
        self._broken = ""

    def replay(self) -> list[Message]:
        messages = [] if self._started is None else [self._started]
        if self.first_line is not None:
            messages.append({"kind": "first_line", "at": self.first_line})
        if self.metrics:
            messages.append(self._notice("progress"))
        if self._logged:
            messages.append(self._notice("log"))
        # Also when it waits no more: the wait may be the last thing that was heard.
        return [*messages, {"kind": "waits", "message": self._waits}]

    async def _persist(self, call: Callable[..., T], *arguments: Any, patience: float | None = None) -> T:
        """As `persist`; everybody who follows hears what is waited for."""
        return await persist(call, *arguments, patience=patience, waits=self._wait)

    def _wait(self, message: str) -> None:
        if message != self._waits:
            self._waits = message
            self._emit({"kind": "waits", "message": message})

    async def stop(self, reason: str, grace: float) -> None:
        # A cell that has said its result is over; its outputs are being stored.
        if self.result is None:
            self._stop = self._stop or (reason, grace)
            if self.child is not None:
                await self.child.stop(grace, reason)

    async def run(self, emit: Emit) -> Message:
        self._emit = emit
        self._notices = Notices(emit, self._notice)
        claiming = asyncio.create_task(
            self._persist(claim, self.blobs, self.order.id, self.context.host, self.context.runner)
        )
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        try:
            return await self._carry_out(claiming, pipes)
        except Exception as error:
            # Nothing ran yet, or its end could not be stored: nobody may go on believing that it runs.
            logger.exception("attempt %s", self.order.id)
            claiming.cancel()
            text = f"The runner could not carry it out: {error}"
            outcome = await self._persist(give_up, self.blobs, self.order.id, text, patience=math.inf)
            return {"kind": "ended", "outcome": outcome.model_dump(mode="json")}
        finally:
            if self.child is not None:
                self.child.release()
            self._notices.close()
            self.context.inputs.release(self.order.id)
            _remove(self.scratch)

    async def _carry_out(self, claiming: asyncio.Task[bool], pipes: list[tuple[int, int]]) -> Message:
        ours, theirs = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
        try:
            payload = await self._persist(self._prepare)
            # The fork and the fsync of the start mark go side by side; the gate keeps the child from its first line.
            self.child = await self.context.fork(
                "attempt" if self.companion is None else self.companion.program,
                payload,
                self.order.limits if self.companion is None else self.companion.limits,
                theirs,
                gate=True,
                env=self._environment(),
                cwd=self.scratch / "work",
            )
            claimed = await claiming
        except BaseException as error:
            for fd in ours:
                os.close(fd)
            if isinstance(error, (NotFound, IntegrityError, StorageFull)):
                return await (self._refuse(error) if await claiming else self._fenced())
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        if not claimed:
            for fd in ours:
                os.close(fd)
            self.child.release()
            return await self._fenced()
        return await self._follow(self.child, ours)

    def _environment(self) -> dict[str, str]:
        return {**self.order.spec.env, "SLML_JOB": self.order.job, "SLML_ATTEMPT": self.order.id}

    def _prepare(self) -> dict[str, Any]:
        """Directories and the child's payload; brings what travelled to this host."""
        spec, cache = self.order.spec, self.context.cache
        work, out, output = self.scratch / "work", self.scratch / "out", self.scratch / "output"
        checkpoints = self.context.checkpoints(self.order.job)
        try:
            for folder in (work, out, output, checkpoints):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageFull(FULL) from error
        captures = []
        for capture in spec.captures:
            path = None if capture.format == "module" else str(self.blobs.local(capture.digest, cache))
            captures.append({**capture.model_dump(exclude={"size"}), "path": path})
        more = {} if self.companion is None else self.companion.prepare()
        return {
            **more,
            "job": self.order.job,
            "attempt": self.order.id,
            "name": self.order.job_name,
            "execution_count": spec.origin.execution_count,
            "source": spec.source,
            "parameters": spec.parameters,
            "outputs": spec.outputs,
            "captures": captures,
            "bundle": None if spec.bundle is None else str(self.blobs.local(spec.bundle.digest, cache)),
            "work": str(work),
            "out": str(out),
            "output_dir": str(output),
            "inputs": str(self._manifest) if spec.inputs else None,
            "metric_patterns": spec.metric_patterns,
            "autolog": spec.autolog,
            "checkpoints": str(checkpoints),
        }

    async def _refuse(self, error: SlmlError) -> Message:
        """What the cell needs is not there, which another try would not find either; or there was no room for it."""
        ended = {"code": None, "peak_memory": None, "cpu_seconds": None, "at": None}
        outcome = storage_failure(self.order, ended, error)
        message = f"What the cell reads could not be brought to the worker: {error.message}"
        reason = Reason.PLATFORM if isinstance(error, StorageFull) else Reason.INPUT
        return await self._commit(outcome.evolve(message=message, reason=reason))

    async def _fenced(self) -> Message:
        """Somebody else took the start."""
        outcome = await self._persist(read_outcome, self.blobs, self.order.id)
        if outcome is None:
            start = await self._persist(read_start, self.blobs, self.order.id) or {}
            if start.get("host") not in (self.context.host, None) or self.context.lives(start.get("runner") or ""):
                return {"kind": "fenced", "start": start}
            # It was a runner of this host. We hold this host's lock, so that one is dead, and all that it ran.
            text = "The runner on this host was killed, and the cell with it."
            outcome = await self._persist(give_up, self.blobs, self.order.id, text, patience=math.inf)
        return {"kind": "ended", "outcome": outcome.model_dump(mode="json")}

    async def _follow(self, child: Child, ours: list[int]) -> Message:
        """From the opened gate to the committed outcome."""
        log = Log(Chunks(self.blobs, self.order.id, "log", self._log_stored))
        metrics = Metrics(
            Chunks(self.blobs, self.order.id, "metrics", lambda sequence: None), self.metrics, lambda: self._tell("progress")
        )

        def printed(stream: str) -> Callable[[str], None]:
            def hear(text: str) -> None:
                log.add(stream, text)
                self.transcript.stream(stream, text)

            return hear

        pipes: list[OutputPipe | MessagePipe] = [
            await OutputPipe.open(ours[0], printed("out"), log.chunks),
            await OutputPipe.open(ours[1], printed("err"), log.chunks),
            await MessagePipe.open(ours[2], partial(self._hear, metrics), metrics.chunks),
        ]
        if self.companion is not None:
            self.companion.open(lambda: self._tell("progress"), self._wait)
        self._started = {"kind": "started", "pid": child.pid, "at": child.started}
        self._emit(self._started)
        watching = asyncio.create_task(self._watch_disk(child), name=f"disk-{self.order.id}")
        try:
            await self._begin(child)
            ended = await child.wait()
        finally:
            watching.cancel()
        # All writers are gone, so these pipes have an end.
        await asyncio.gather(*(pipe.closed for pipe in pipes))
        if self.companion is not None:
            await self.companion.close()
        for sentence in metrics.losses():
            log.remark(sentence)
        await asyncio.gather(log.close(), metrics.chunks.close())
        outcome = verdict(self.order, ended, self.result, self._broken)
        return await self._commit(await self._store(outcome, ended))

    async def _begin(self, child: Child) -> None:
        """Bring the inputs, then open the gate; or end the child because there is nothing to begin."""
        if self._stop is None and self.order.spec.inputs:
            try:
                await self._bring_inputs(child)
            except InputFailed as error:
                self._broken = str(error)
                await child.stop(0, "input")
                return
        if self._stop is None:
            child.go()
        else:
            reason, grace = self._stop
            await child.stop(grace, reason)

    async def _bring_inputs(self, child: Child) -> None:
        """Return when they are there, or when the child has ended meanwhile. Raises InputFailed."""
        unwanted = threading.Event()
        spec, folder = self.order.spec, self.scratch / "inputs"
        bringing = in_thread(bring, spec.inputs, spec.input_mode, self.context.inputs, self.order.id, folder, unwanted)
        ending = asyncio.create_task(child.wait())
        try:
            await asyncio.wait({bringing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                self._manifest.write_text(json.dumps(await bringing))
        finally:
            unwanted.set()
            ending.cancel()

    @property
    def _manifest(self) -> Path:
        return self.scratch / "inputs.json"

    async def _watch_disk(self, child: Child) -> None:
        folders = (self.scratch, self.context.checkpoints(self.order.job))
        used = await outgrown(folders, self.order.limits.disk)
        if self.result is None:
            self._broken = (
                f"The cell's files take {size_text(used)} of disk; {self.order.spec.instance} allows "
                f"{size_text(self.order.limits.disk)}. Delete what is not needed any more, or choose a larger instance type."
            )
            await child.stop(0, "disk")

    def _hear(self, metrics: Metrics, message: Message) -> None:
        match message.get("kind"):
            case "first_line":
                self.first_line = message["at"]
                self._emit({"kind": "first_line", "at": self.first_line})
            case "metric":
                metrics.hear(message)
            case "waits":
                self._wait(str(message["message"]))
            case "display":
                self.transcript.display(message["output"])
            case "result":
                self.result = message
            case _ if self.companion is not None:
                self.companion.hear(message)

    async def _store(self, outcome: Outcome, ended: dict[str, Any]) -> Outcome:
        """Bring outputs, files, displays and the executed cell into the store."""
        found: dict[str, Any] = {}
        try:
            items = (self.result or {}).get("outputs", [])
            found["outputs"] = list(await asyncio.gather(*(self._persist(store_output, self.blobs, item) for item in items)))
            if outcome.reason is not Reason.DISK and outcome.state is not AttemptState.LOST:
                found["files"], behind = await self._persist(bring_files, self.blobs, self.scratch / "output")
                found["skipped"] = outcome.skipped | behind
            if self.companion is not None:
                found |= self.companion.found()
            if self.transcript.displays and "displays" not in found:
                found["displays"], _ = await self._persist(self.blobs.add, [json.dumps(self.transcript.displays).encode()])
            if self.first_line is not None:
                found["notebook"], _ = await self._persist(self.blobs.add, [self.transcript.notebook(self.order, outcome)])
        except (StorageFull, Unavailable) as error:
            outcome, found = storage_failure(self.order, ended, error), {}
        forked = self.child.started if self.child else None
        marks = [forked, self.first_line, outcome.ended_at]
        # The host's clock may have been set back meanwhile.
        for place in (1, 2):
            earlier = max((mark for mark in marks[:place] if mark is not None), default=None)
            if earlier is not None and marks[place] is not None:
                marks[place] = max(earlier, marks[place] or 0.0)
        times = dict(zip(("forked_at", "first_line_at", "ended_at"), marks, strict=True))
        return outcome.evolve(metrics=self.metrics, **found, **times)

    async def _commit(self, outcome: Outcome) -> Message:
        # Nothing but the store can take this word, so it is said for as long as it takes.
        outcome = await self._persist(commit, self.blobs, outcome, patience=math.inf)
        if outcome.state is AttemptState.SUCCEEDED:
            _remove(self.context.checkpoints(self.order.job))
        return {"kind": "ended", "outcome": outcome.model_dump(mode="json")}

    def _log_stored(self, sequence: int) -> None:
        self._logged = sequence
        self._tell("log")

    def _tell(self, kind: str) -> None:
        if self._notices is not None:
            self._notices.tell(kind)

    def _notice(self, kind: str) -> Message:
        if kind == "progress":
            return {"kind": kind, "metrics": dict(self.metrics)}
        return {"kind": kind, "sequence": self._logged}


def _remove(folder: Path) -> None:
    """Delete a directory beside the main line: nobody waits for it."""
    asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(folder, ignore_errors=True))

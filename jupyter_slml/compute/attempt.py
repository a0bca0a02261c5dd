"""Looks after one attempt in the runner: fork, listen, store, commit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

from jupyter_slml.compute.chunks import Chunks, OutputPipe
from jupyter_slml.compute.fork import Child
from jupyter_slml.compute.outcomes import claim, commit, give_up, persist, read_outcome, read_start, storage_failure, verdict
from jupyter_slml.compute.supervisor import Emit, Message, RunnerContext
from jupyter_slml.domain.orders import AttemptOrder
from jupyter_slml.domain.outcomes import Artifact, Outcome
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import IntegrityError, NotFound, SlmlError, StorageFull, Unavailable

logger = logging.getLogger(__name__)

#: At most so often does the latest value of the metrics, or the number of the last log chunk, travel.
NOTICE = 0.5
#: One message of the child (a display with a picture in it) may have so many bytes.
LONGEST_MESSAGE = 64 * 2**20


class AttemptSupervisor:
    """Implements `supervisor.Supervisor` for `AttemptOrder`. The last message holds the committed outcome, or, when another
    runner has the attempt, `{"kind": "fenced", "start": {host, runner, at}}`."""

    def __init__(self, order: AttemptOrder, context: RunnerContext) -> None:
        self.order = order
        self.context = context
        self.blobs = context.blobs
        self.scratch = context.scratch(order.id)
        self.child: Child | None = None
        self.result: dict[str, Any] | None = None
        self.first_line: float | None = None
        self.metrics: dict[str, float] = {}
        self.displays: list[dict[str, Any]] = []
        self._stop: tuple[str, float] | None = None
        self._started: Message | None = None
        self._logged = 0
        self._emit: Emit = lambda message: None
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._told: dict[str, float] = {}

    def replay(self) -> list[Message]:
        messages = [] if self._started is None else [self._started]
        if self.first_line is not None:
            messages.append({"kind": "first_line", "at": self.first_line})
        if self.metrics:
            messages.append(self._notice("progress"))
        if self._logged:
            messages.append(self._notice("log"))
        return messages

    async def stop(self, reason: str, grace: float) -> None:
        # A cell that has said its result is over; its outputs are being stored.
        if self.result is None:
            self._stop = self._stop or (reason, grace)
            if self.child is not None:
                await self.child.stop(grace, reason)

    async def run(self, emit: Emit) -> Message:
        self._emit = emit
        claiming = asyncio.create_task(persist(claim, self.blobs, self.order.id, self.context.host, self.context.runner))
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        try:
            return await self._carry_out(claiming, pipes)
        except Exception as error:
            # Nothing ran yet, or its end could not be stored: nobody may go on believing that it runs.
            logger.exception("attempt %s", self.order.id)
            claiming.cancel()
            outcome = await persist(give_up, self.blobs, self.order.id, f"The runner could not carry it out: {error}")
            return {"kind": "ended", "outcome": outcome.model_dump(mode="json")}
        finally:
            if self.child is not None:
                self.child.release()
            for timer in self._due.values():
                timer.cancel()
            _remove(self.scratch)

    async def _carry_out(self, claiming: asyncio.Task[bool], pipes: list[tuple[int, int]]) -> Message:
        ours, theirs = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
        try:
            payload = await persist(self._prepare)
            # The fork and the fsync of the start mark go side by side; the gate keeps the child from its first line.
            self.child = await self.context.fork(
                "attempt",
                payload,
                self.order.limits,
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
        work, out, checkpoints = self.scratch / "work", self.scratch / "out", self.context.checkpoints(self.order.job)
        for folder in (work, out, checkpoints):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        captures = []
        for capture in spec.captures:
            path = None if capture.format == "module" else str(self.blobs.local(capture.digest, cache))
            captures.append({**capture.model_dump(exclude={"size"}), "path": path})
        return {
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
            "checkpoints": str(checkpoints),
        }

    async def _refuse(self, error: SlmlError) -> Message:
        """What the cell needs is not there; another try would not find it either."""
        ended = {"code": None, "peak_memory": None, "cpu_seconds": None, "at": None}
        outcome = storage_failure(self.order, ended, error)
        message = f"What the cell reads could not be brought to the worker: {error.message}"
        return await self._commit(outcome.evolve(message=message))

    async def _fenced(self) -> Message:
        """Somebody else took the start."""
        outcome = await persist(read_outcome, self.blobs, self.order.id)
        if outcome is None:
            start = await persist(read_start, self.blobs, self.order.id) or {}
            if start.get("host") not in (self.context.host, None):
                return {"kind": "fenced", "start": start}
            # It was a runner of this host. We hold this host's lock, so that one is dead, and all that it ran.
            text = "The runner on this host was killed, and the cell with it."
            outcome = await persist(give_up, self.blobs, self.order.id, text)
        return {"kind": "ended", "outcome": outcome.model_dump(mode="json")}

    async def _follow(self, child: Child, ours: list[int]) -> Message:
        """From the opened gate to the committed outcome."""
        logs = Chunks(self.blobs, self.order.id, "log", self._log_stored)
        points = Chunks(self.blobs, self.order.id, "metrics", lambda sequence: None)
        streams = [await OutputPipe.open(ours[0], logs, "out"), await OutputPipe.open(ours[1], logs, "err")]
        listening = asyncio.create_task(self._listen(ours[2], points))
        self._started = {"kind": "started", "pid": child.pid, "at": child.started}
        self._emit(self._started)
        if self._stop is None:
            child.go()
        else:
            reason, grace = self._stop
            await child.stop(grace, reason)
        ended = await child.wait()
        # All writers are gone, so these pipes have an end.
        await asyncio.gather(listening, *(stream.closed for stream in streams))
        await asyncio.gather(logs.close(), points.close())
        return await self._commit(await self._store(verdict(self.order, ended, self.result), ended))

    async def _listen(self, fd: int, points: Chunks) -> None:
        """Hear the child's messages to their end."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LONGEST_MESSAGE)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
        )
        with contextlib.closing(transport):
            while line := await self._line(reader):
                try:
                    message = json.loads(line)
                except ValueError:
                    continue
                await self._hear(message, points)

    @staticmethod
    async def _line(reader: asyncio.StreamReader) -> bytes:
        while True:
            try:
                return await reader.readline()
            except ValueError:
                # Longer than the limit; readline has dropped it.
                continue

    async def _hear(self, message: Message, points: Chunks) -> None:
        match message.get("kind"):
            case "first_line":
                self.first_line = message["at"]
                self._emit({"kind": "first_line", "at": self.first_line})
            case "metric":
                self.metrics.update(message["values"])
                points.add({"t": message["at"], "step": message["step"], "values": message["values"]})
                self._tell("progress")
                await points.room()
            case "display":
                self.displays.append(message["output"])
            case "result":
                self.result = message

    async def _store(self, outcome: Outcome, ended: dict[str, Any]) -> Outcome:
        """Bring outputs and displays into the store."""
        try:
            items = (self.result or {}).get("outputs", [])
            outputs = list(await asyncio.gather(*(persist(self._store_output, item) for item in items)))
            displays = None
            if self.displays:
                displays, _ = await persist(self.blobs.add, [json.dumps(self.displays).encode()])
        except (StorageFull, Unavailable) as error:
            outcome, outputs, displays = storage_failure(self.order, ended, error), [], None
        return outcome.evolve(
            outputs=outputs,
            displays=displays,
            metrics=self.metrics,
            forked_at=self.child.started if self.child else None,
            first_line_at=self.first_line,
        )

    def _store_output(self, item: dict[str, Any]) -> Artifact:
        digest, size = self.blobs.add_file(Path(item["path"]))
        return Artifact(digest=digest, size=size, **{key: item[key] for key in ("name", "format", "type", "signature")})

    async def _commit(self, outcome: Outcome) -> Message:
        outcome = await persist(commit, self.blobs, outcome)
        if outcome.state is AttemptState.SUCCEEDED:
            _remove(self.context.checkpoints(self.order.job))
        return {"kind": "ended", "outcome": outcome.model_dump(mode="json")}

    def _log_stored(self, sequence: int) -> None:
        self._logged = sequence
        self._tell("log")

    def _notice(self, kind: str) -> Message:
        return (
            {"kind": kind, "metrics": dict(self.metrics)} if kind == "progress" else {"kind": kind, "sequence": self._logged}
        )

    def _tell(self, kind: str) -> None:
        """Emit a notice now, or once when the last one is `NOTICE` old."""
        if kind in self._due:
            return
        wait = self._told.get(kind, 0.0) + NOTICE - time.monotonic()
        self._due[kind] = asyncio.get_running_loop().call_later(max(0.0, wait), self._say, kind)

    def _say(self, kind: str) -> None:
        self._due.pop(kind, None)
        self._told[kind] = time.monotonic()
        self._emit(self._notice(kind))


def _remove(folder: Path) -> None:
    """Delete a directory beside the main line: nobody waits for it."""
    asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(folder, ignore_errors=True))

"""The slots of a batch attempt: gives them parts, hears them, replaces those that die."""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_slml.compute import procfs
from jupyter_slml.compute.amounts import size_text
from jupyter_slml.compute.batch.apart import Answer, failed
from jupyter_slml.compute.batch.progress import Progress
from jupyter_slml.compute.wire import Link, Message
from jupyter_slml.domain.batch import PartRecord
from jupyter_slml.domain.specs.batch import BatchSpec

#: Seconds between two looks at the memory of slots.
_LOOK = 0.05
#: Of the rows of a batch, after a slot had too little memory for them.
_LESS = 4


@dataclass
class Task:
    part: int
    batch_rows: int
    tries: int = 1


class Member:
    """One slot, seen from the host."""

    def __init__(self, pid: int, link: Link) -> None:
        self.pid, self.link = pid, link
        self.task: Task | None = None
        #: Bytes over its share, when it was killed for that.
        self.over = 0


class Crew:
    def __init__(
        self,
        fork: Callable[[], tuple[int, Link]],
        parts: list[int],
        slots: int,
        spec: BatchSpec,
        progress: Progress,
        memory: int,
        origin: int,
    ) -> None:
        """`memory` bytes is a slot's share, over the `origin` that it has from the host."""
        self._fork, self._slots, self._spec, self._progress = fork, slots, spec, progress
        self._memory, self._origin = memory, origin
        self._waiting = deque(Task(part, spec.batch_rows) for part in parts)
        self._members: list[Member] = []

    def forget(self) -> None:
        """In a new slot: the descriptors of the others are not its business."""
        for member in self._members:
            member.link.close()

    def work(self) -> Answer | None:
        """Return None when all parts are committed, else the failed result; no slot is left."""
        try:
            looked = 0.0
            while self._waiting or any(member.task for member in self._members):
                self._staff()
                links = [member.link for member in self._members]
                ready, _, _ = select.select(links, [], [], _LOOK)
                for member in [member for member in self._members if member.link in ready]:
                    result = self._hear(member)
                    if result is not None:
                        return result
                if time.monotonic() - looked >= _LOOK:
                    looked = time.monotonic()
                    self._measure()
                    self._progress.tell()
                if (result := self._progress.verdict()) is not None:
                    return result
            return self._progress.verdict(final=True)
        finally:
            self._dismiss()

    def _staff(self) -> None:
        """A slot for each waiting part, up to the number; a part for each free slot."""
        busy = sum(member.task is not None for member in self._members)
        while len(self._members) < self._slots and len(self._members) - busy < len(self._waiting):
            self._members.append(Member(*self._fork()))
        for member in self._members:
            if member.task is None and self._waiting:
                member.task = task = self._waiting.popleft()
                self._progress.part(PartRecord(part=task.part, state="running", tries=task.tries, at=time.time()))
                member.link.send({"part": task.part, "batch_rows": task.batch_rows, "tries": task.tries})

    def _hear(self, member: Member) -> Answer | None:
        for message in member.link.arrived():
            result = self._take(member, message)
            if result is not None:
                return result
        return self._buried(member) if member.link.closed else None

    def _take(self, member: Member, message: Message) -> Answer | None:
        match message["kind"]:
            case "progress" if member.task is not None:
                self._progress.moved(member.task.part, message["rows"], message["errors"])
            case "bad":
                self._progress.note(message["where"])
            case "raised":
                self._progress.raised = self._progress.raised or message
            case "done":
                member.task = None
                self._progress.done(PartRecord.model_validate(message["record"]))
            case "broken":
                task, member.task = member.task, None
                assert task is not None
                return self._again(task, "output", message["reason"])
            case "fatal":
                return {key: value for key, value in message.items() if key != "kind"}
        return None

    def _buried(self, member: Member) -> Answer | None:
        """Its process is gone."""
        _, status = os.waitpid(member.pid, 0)
        member.link.close()
        self._members.remove(member)
        task = member.task
        if task is None:
            return None
        if member.over:
            task.batch_rows = max(1, task.batch_rows // _LESS)
            used = f"its process used {size_text(member.over)} of memory, and its share is {size_text(self._memory)}"
            return self._again(task, "memory", f"{used}. Choose a smaller --batch-rows or a larger --instance")
        code = os.waitstatus_to_exitcode(status)
        name = signal.Signals(-code).name if -code in signal.valid_signals() else f"exit code {code}"
        return self._again(task, "exit", f"its process was ended by {name}" if code < 0 else f"its process left with {name}")

    def _again(self, task: Task, reason: str, why: str) -> Answer | None:
        """Put the part back, or give up."""
        self._progress.dropped(task.part)
        part = self._progress.plan.parts[task.part]
        source = self._progress.plan.files[part.pieces[0].file].path
        self._progress.part(
            PartRecord(part=task.part, state="failed", tries=task.tries, message=why, source=source, at=time.time())
        )
        if task.tries > self._spec.part_retries:
            return failed(reason, f"Part {task.part} ({source}) failed {task.tries} times: {why}.")
        task.tries += 1
        self._waiting.appendleft(task)
        return None

    def _measure(self) -> None:
        for member in self._members:
            used = procfs.private_memory(member.pid) - self._origin
            if used > self._memory and not member.over:
                member.over = used
                procfs.kill(member.pid)

    def _dismiss(self) -> None:
        for member in self._members:
            if member.task is not None:
                procfs.kill(member.pid)
            member.link.close()
        for member in self._members:
            # A free slot leaves when its link ends; what hangs in an exit handler has no part to lose.
            procfs.kill(member.pid)
            os.waitpid(member.pid, 0)
        self._members = []

"""Forks trials, watches them and tells the coordinator how they end.

Runs in the process that holds what all trials share: captures, and what the prefix made. It computes nothing itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from jupyter_slml.compute import procfs
from jupyter_slml.compute.tuning.pages import collapse
from jupyter_slml.compute.wire import Link, Message, pair

#: Seconds between two looks at the memory of running trials.
POLL = 0.03
#: A share is a little less than what the keeper would allow, so that one trial ends and not all of them.
MARGIN = 0.92
#: From so many trials on it pays to have large pages first.
MANY = 30
#: Trials are the first to go when the host's memory is used up.
_OOM_SCORE = "800"


@dataclass
class _Child:
    pid: int
    #: Bytes that it shared at its fork.
    origin: int
    peak: int = 0
    reason: str = ""
    killed_at: float | None = None


class Forker:
    """`start` is what a fork runs, with its end of a link to the coordinator; it never returns."""

    def __init__(self, link: Link, start: Callable[[Link], NoReturn], memory: int, parallel: int, trials: int) -> None:
        self.link = link
        self.start = start
        self.memory = memory
        self.parallel = parallel
        self.many = trials >= MANY
        self.children: dict[int, _Child] = {}
        self._wake = (-1, -1)
        #: Bytes that one trial may have for itself.
        self.share = 0

    def run(self) -> Message | None:
        """Serve the coordinator to the end of the search. Returns its last word; None when it died."""
        gc.collect()
        gc.freeze()
        if self.many:
            collapse()
        own = procfs.private_memory(os.getpid())
        self.share = max(0, int((self.memory * MARGIN - own) / self.parallel))
        self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        # What a trial started and left behind comes to us, and not to the keeper, when the trial ends.
        procfs.become_subreaper()
        self.link.send({"ready": True})
        try:
            return self._serve()
        finally:
            signal.set_wakeup_fd(-1)
            for pid in list(self.children):
                self._kill(pid, 0)
            self._reap(block=True)

    def _serve(self) -> Message | None:
        while True:
            timeout = POLL if self.children else None
            readable, _, _ = select.select([self.link.fileno(), self._wake[0]], [], [], timeout)
            if self._wake[0] in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake[0], 4096)
            self._reap()
            for message in self.link.arrived():
                if "end" in message:
                    end: Message = message["end"]
                    return end
                if "fork" in message:
                    for _ in range(int(message["fork"])):
                        self._fork()
                if "kill" in message:
                    self._kill(int(message["kill"]), float(message["grace"]), str(message["reason"]))
            if self.link.closed:
                return None
            self._watch()

    def _fork(self) -> None:
        ours, theirs = pair()
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                procfs.die_with_parent(own)
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.setsid()
                for fd in self._wake:
                    os.close(fd)
                ours.close()
                self.link.close()
                with open("/proc/self/oom_score_adj", "w") as file:
                    file.write(_OOM_SCORE)
                self.start(Link(theirs))
            finally:
                os._exit(1)
        theirs.close()
        self.children[pid] = _Child(pid, procfs.private_memory(pid))
        self.link.send({"forked": pid}, [ours.fileno()])
        ours.close()

    def _watch(self) -> None:
        now = time.monotonic()
        for child in list(self.children.values()):
            if child.killed_at is not None:
                if now >= child.killed_at:
                    self._bury(child.pid)
                continue
            used = sum(procfs.private_memory(pid) for pid in (child.pid, *procfs.descendants(child.pid))) - child.origin
            child.peak = max(child.peak, used)
            if used > self.share:
                child.reason = "memory"
                self._bury(child.pid)

    def _kill(self, pid: int, grace: float, reason: str = "") -> None:
        """SIGTERM to all that the trial started, SIGKILL after `grace` seconds."""
        child = self.children.get(pid)
        if child is None:
            return
        child.reason = child.reason or reason
        due = time.monotonic() + grace
        child.killed_at = due if child.killed_at is None else min(child.killed_at, due)
        if grace <= 0:
            self._bury(pid)
            return
        for number in (pid, *procfs.descendants(pid)):
            procfs.kill(number, signal.SIGTERM)
            procfs.kill(number, signal.SIGCONT)

    def _bury(self, pid: int) -> None:
        for number in (*procfs.descendants(pid), pid):
            procfs.kill(number)

    def _reap(self, block: bool = False) -> None:
        while self.children or not block:
            try:
                pid, status, usage = os.wait4(-1, 0 if block else os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child is None:
                continue
            # Its session, with what it left running there.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self.link.send(
                {
                    "ended": pid,
                    "code": os.waitstatus_to_exitcode(status),
                    "reason": child.reason,
                    "peak": child.peak,
                    "share": self.share,
                    "cpu": round(usage.ru_utime + usage.ru_stime, 4),
                }
            )

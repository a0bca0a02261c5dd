"""The program of a tuning attempt: the host, which binds what travelled, runs the prefix and has trials forked.

    attempt's child = host ─┬─ coordinator (Optuna)
                            └─ stage: has run the prefix ─┬─ trial
                                                          └─ trial …

The prefix runs in a fork, the stage, which then forks the trials. When it left something that does not survive a fork
(threads, connections), the stage is thrown away and the host itself forks trials, each of which runs the whole cell.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from jupyter_slml.compute import cell as cells
from jupyter_slml.compute import procfs
from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.environment import environment
from jupyter_slml.compute.failures import describe
from jupyter_slml.compute.tuning import coordinator
from jupyter_slml.compute.tuning.forker import Forker
from jupyter_slml.compute.tuning.trial import TrialProcess, TunedCell
from jupyter_slml.compute.wire import Link, pair
from jupyter_slml.domain.prefix import Prefix, prefix

#: Imported here, in the zygote: its models cost a tenth of a second.
prepare = cells.prepare

#: Libraries whose threads do not come along in a fork, and that wait for them for ever.
_UNFORKABLE = ("polars", "duckdb", "tensorflow", "jax", "cudf")


def run(payload: dict[str, Any], messages: int) -> int:
    """Run the tuning job that `payload` describes. Returns the exit code; never raises."""
    prepare()
    host = Host(payload, Channel(messages))
    result = host.run()
    return 0 if host.channel.send({"kind": "result", **result}) else 1


class Host:
    def __init__(self, payload: dict[str, Any], channel: Channel) -> None:
        self.payload = payload
        self.channel = channel
        self.given = payload["tuning"]
        self.cell = TunedCell(payload, channel, cells.shell())
        ours, theirs = pair()
        own = os.getpid()
        if os.fork() == 0:
            procfs.die_with_parent(own)
            ours.close()
            coordinator.become(payload, theirs, channel)
        theirs.close()
        self.link = Link(ours)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def run(self) -> dict[str, Any]:
        try:
            failed = self.cell.bind()
        except SystemExit as leaving:
            return {"exit": leaving.code if isinstance(leaving.code, int) else 1}
        if failed is not None:
            return failed
        self.channel.send({"kind": "first_line", "at": time.time()})
        found = prefix(self.cell.tree(), self.cell.searched) if self.cell.options.hoist else Prefix(0, 0)
        note = "" if found or self.cell.options.hoist else "--no-hoist"
        if found:
            result = self._staged(found)
            if "unsafe" not in result:
                return result
            note = result["unsafe"]
            print(f"slml: every trial runs the whole cell, because its first statements left {note}", file=sys.stderr)  # noqa: T201
        self.link.send({"hoisted": 0, "note": note})
        return self._fork_trials()

    def _staged(self, found: Prefix) -> dict[str, Any]:
        """Run the prefix and then the search in a fork; returns its result, or why it cannot be (`unsafe`)."""
        ours, theirs = pair()
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            procfs.die_with_parent(own)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            ours.close()
            self._stage(found, Link(theirs))
        theirs.close()
        link = Link(ours)
        answer = link.receive()
        begun = answer is not None and "begun" in answer
        if begun:
            answer = link.receive()
        _, status = os.waitpid(pid, 0)
        if answer is not None:
            return answer
        if begun:
            return {"lost": "The process that forks the trials ended unexpectedly."}
        return {"died": os.waitstatus_to_exitcode(status)}

    def _stage(self, found: Prefix, answer: Link) -> NoReturn:
        code = 1
        try:
            result = self._prefix(found)
            if result is None:
                unsafe = _unsafe()
                if unsafe:
                    result = {"unsafe": unsafe}
                else:
                    self.cell.first = found.count
                    answer.send({"begun": True})
                    self.link.send({"hoisted": found.last_line, "note": ""})
                    result = self._fork_trials()
            answer.send(result)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _prefix(self, found: Prefix) -> dict[str, Any] | None:
        """Run it. Returns the result of a job whose prefix fails."""
        cell = self.cell
        cell.shell.connect(self.channel, cell.name)
        ran = cell.run_part(0, found.count, set(cell.searched))
        error = ran.error_before_exec or ran.error_in_exec
        if isinstance(error, SystemExit):
            return {"exit": error.code if isinstance(error.code, int) else 1}
        if error is None:
            return None
        return {"error": describe(error, cell.name, cell.folder), "outputs": [], "skipped": {}}

    def _fork_trials(self) -> dict[str, Any]:
        # A stop is the coordinator's to carry out: the trials get their grace, and what is known is kept.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        given = self.given
        forker = Forker(self.link, self._start, given["memory"], given["parallel"], self.cell.options.most)
        end = forker.run()
        if end is None:
            return {"lost": "The process that chooses the trials ended unexpectedly."}
        return {"error": None, "outputs": [], "skipped": {}, "environment": environment(), **end}

    def _start(self, link: Link) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        TrialProcess(self.cell, link, self.given["threads"]).run()


def _unsafe() -> str:
    """What is here that a fork would break; empty when nothing is."""
    python = [item.name for item in threading.enumerate() if item is not threading.main_thread()]
    if python:
        return f"a running thread ({python[0]})"
    native = sum(1 for _ in os.scandir("/proc/self/task")) - 1
    loaded = [name for name in _UNFORKABLE if name in sys.modules]
    if native and loaded:
        return f"threads of {loaded[0]}"
    arrow = sys.modules.get("pyarrow")
    # Its pools start again in a fork.
    allowed = 0 if arrow is None else arrow.cpu_count() + arrow.io_thread_count()
    if native > allowed:
        return f"{native} threads of a library"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "a CUDA context"
    return _connection()


def _connection() -> str:
    """A connection over the network, such as a database's: two trials cannot share it."""
    mine = set()
    for entry in os.scandir("/proc/self/fd"):
        try:
            mine.add(str(Path(entry.path).readlink()))
        except OSError:
            continue
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        try:
            with open(table) as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        if any(f"socket:[{row[9]}]" in mine for row in rows if len(row) > 9):
            return "an open network connection"
    return ""

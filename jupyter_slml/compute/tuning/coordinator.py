"""The coordinator: decides what is tried next, what is pruned, what is best, and when it is enough.

A process of its own, forked before any of the user's code has run, so that neither can harm the other. It hears the host
(which forks trials and tells how they end) and every trial, and says to the runner what is to be stored.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import socket
import time
import traceback
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.tuning.budget import Budget
from jupyter_slml.compute.tuning.running import Running
from jupyter_slml.compute.wire import Link, Message
from jupyter_slml.domain.specs.tuning import TuneSpec
from jupyter_slml.domain.trials import Trial, best, front, thinned

#: Seconds between two words about how far the running trials are.
PROGRESS = 1.0
#: Importances take time that grows with the trials.
MOST_IMPORTANT = 2000


def become(payload: Mapping[str, Any], link: socket.socket, channel: Channel) -> NoReturn:
    """Turn this fork into the coordinator."""
    end = Link(link)
    try:
        Coordinator(payload, end, channel).run()
    except Exception as error:
        # The same would come of another attempt.
        traceback.print_exc()
        text = f"The search cannot go on: {type(error).__name__}: {error}"
        end.send({"end": {"failed": {"reason": "exception", "message": text[:2000]}}})
    finally:
        os._exit(0)


class Coordinator:
    def __init__(self, payload: Mapping[str, Any], link: Link, channel: Channel) -> None:
        given = payload["tuning"]
        self.begun = time.monotonic()
        self.link = link
        self.channel = channel
        self.options = TuneSpec.model_validate(given["options"])
        self.goals = self.options.objectives
        self.parallel: int = given["parallel"]
        self.grace: float = given["grace"]
        self.seed = self.options.seed if self.options.seed is not None else zlib.crc32(payload["job"].encode()) % 2**31
        history = json.loads(Path(given["history"]).read_text())
        self.done = [Trial.model_validate(item) for item in history["done"]]
        #: Lost under way in an earlier attempt: these run first, with their numbers and values.
        self.again = [Trial.model_validate(item) for item in history["again"]]
        self.history = history
        self.spent: float = history["spent"]
        #: The best of `done`; with several objectives, the Pareto front.
        self.edge: list[Trial] = []
        #: The same with those that have said their values and are not over yet: what patience goes by.
        self.promised: list[Trial] = []
        self.budget = Budget(self.options, given["price"])
        for trial in self.done:
            self.edge = front([*self.edge, trial], self.goals)
            self._count(trial)
        #: Links of processes that wait for a trial, by pid; running trials by pid.
        self.idle: dict[int, Link] = {}
        self.running: dict[int, Running] = {}
        self.forking = 0
        self.numbers = {item.number for item in (*self.done, *self.again)}
        self.ending = ""
        self.stopped = False
        self._progress_at = 0.0
        self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)

    # -- the main loop -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        # Takes a fifth of a second, in which the host binds the captures and runs the prefix.
        from jupyter_slml.compute.tuning.optimizer import Optimizer

        known = [[Trial.model_validate(item) for item in job] for job in self.history["known"]]
        self.optimizer = Optimizer(self.options, self.seed, self.done, known, self.history["attrs"])
        self._fork()
        if not self._await_host():
            return
        # What came in the same breath.
        for message in self.link.arrived():
            self._host_says(message)
        while True:
            self._decide()
            if self.ending and not self.running:
                break
            self._hear(self._timeout())
            if self.link.closed:
                return
        self._finish()

    def _await_host(self) -> bool:
        """Wait until the prefix has run: until then the messages pipe is the host's."""
        while (message := self.link.receive()) is not None:
            if message.get("ready"):
                self._head(message)
                return True
            if "hoisted" in message:
                self.history["hoisted"], self.history["hoist_note"] = message["hoisted"], message["note"]
        return False

    def _stop(self, *_: object) -> None:
        """SIGTERM: somebody ends the job."""
        self.ending = "it was stopped"
        self.budget.urgent = self.stopped = True

    def _head(self, message: Message) -> None:
        head = {"seen": self.history["seen"], "parallel": self.parallel, "most": self.options.most}
        head |= {"hoisted": self.history.get("hoisted", 0), "hoist_note": self.history.get("hoist_note", "")}
        self.channel.send({"kind": "trial", "line": {"head": head}})

    def _timeout(self) -> float:
        """Seconds until something is due that nobody says."""
        left = self.budget.left(self._elapsed())
        return max(0.0, min(PROGRESS if self.running else 60.0, left))

    def _elapsed(self) -> float:
        return self.spent + time.monotonic() - self.begun

    def _hear(self, timeout: float) -> None:
        links = {running.link.fileno(): running for running in self.running.values() if running.open}
        poller = select.poll()
        poller.register(self.link, select.POLLIN)
        poller.register(self._wake[0], select.POLLIN)
        for fd in links:
            poller.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poller.poll(timeout * 1000)}
        if self._wake[0] in ready:
            os.read(self._wake[0], 4096)
        for fd in ready & links.keys():
            running = links[fd]
            self._listen(running)
            running.open = not running.link.closed
        if self.link.fileno() in ready:
            for message in self.link.arrived():
                self._host_says(message)
        self._tell_progress()

    def _decide(self) -> None:
        """Begin trials, or the end."""
        if not self.ending:
            self.ending = self.budget.over(self._elapsed(), len(self.numbers) - len(self.again))
        if self.ending and self.budget.urgent:
            for pid, running in self.running.items():
                if not running.killed and running.done is None:
                    running.killed = True
                    self.link.send({"kill": pid, "grace": self.grace, "reason": "stopped"})
        busy = sum(running.done is None for running in self.running.values())
        while not self.ending and self.idle and busy < self.parallel:
            self._begin()
            busy += 1
            self.ending = self.budget.over(self._elapsed(), len(self.numbers) - len(self.again))
        if not self.ending:
            self._fork()

    def _fork(self) -> None:
        """One process more than run: it waits for the next trial."""
        wanted = self.parallel + 1 - len(self.idle) - self.forking - sum(item.done is None for item in self.running.values())
        wanted = min(wanted, 1 if self.running else self.parallel + 1)
        if wanted > 0:
            self.forking += wanted
            self.link.send({"fork": wanted})

    # -- a trial's life ------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        pid, link = next(iter(self.idle.items()))
        del self.idle[pid]
        if self.again:
            lost = self.again.pop(0)
            asked = self.optimizer.ask(lost.number, lost.params)
        else:
            number = max(self.numbers, default=-1) + 1
            self.numbers.add(number)
            asked = self.optimizer.ask(number)
        running = Running(asked, link, seed=(self.seed * 1_000_003 + asked.number * 7919 + 17) % 2**32)
        self.running[pid] = running
        link.send(
            {
                "number": asked.number,
                "params": asked.params,
                "seed": running.seed,
                "reports": self.options.pruning is not None,
                "directions": [item.direction for item in self.goals],
            }
        )
        self.channel.send(
            {
                "kind": "trial",
                "line": {
                    "trial": {
                        "number": asked.number,
                        "state": "running",
                        "params": asked.params,
                        "started_at": running.started_at,
                        "seed": running.seed,
                    }
                },
            }
        )

    def _listen(self, running: Running) -> None:
        for message in running.link.arrived():
            try:
                self._trial_says(running, message)
            except (KeyError, TypeError, ValueError):
                # Nothing of ours: its code writes into descriptors that it found open.
                traceback.print_exc()
                running.link.close()
                return

    def _trial_says(self, running: Running, message: Message) -> None:
        match message:
            case {"suggest": wanted}:
                try:
                    running.link.send({"value": self.optimizer.suggest(running.asked, wanted)})
                except Exception as error:
                    running.link.send({"error": f"{error}"})
                running.changed = True
            case {"points": points}:
                for values, step in points:
                    self._point(running, values, step)
            case {"report": value, "step": step}:
                self._report(running, float(value), int(step))
            case {"prune": True}:
                running.link.send({"prune": self.optimizer.should_prune(running.asked)})
            case {"attr": name, "value": value}:
                running.user_attrs[str(name)] = value
            case {"stop": True}:
                self.ending = self.ending or "a trial asked for the end of the study"
            case {"done": done}:
                self._done(running, done)
            case {"left": left}:
                running.left = left

    def _point(self, running: Running, values: Mapping[str, float], step: int | None) -> None:
        running.metrics.update(values)
        goal = self.goals[0].metric
        if step is not None and goal in values:
            self._report(running, values[goal], step)

    def _report(self, running: Running, value: float, step: int) -> None:
        running.changed = True
        running.points.append((step, value))
        if len(running.points) > 4000:
            running.points = thinned(running.points, 1000)
        self.optimizer.report(running.asked, step, value)

    def _done(self, running: Running, done: Message) -> None:
        """It has said its result: its place is free, though it may still write what it leaves."""
        running.done = done
        running.metrics.update(done["metrics"])
        said = Trial(number=running.asked.number, **{key: done[key] for key in ("state", "values", "reason") if key in done})
        keep = any(item.number == said.number for item in front([*self.edge, said], self.goals))
        self._count(said)
        # Before the answer: the next one to ask should know of this one.
        self._tell(running, done["state"], done.get("values", {}))
        running.link.send({"keep": keep})

    def _count(self, trial: Trial) -> None:
        self.promised = front([*self.promised, trial], self.goals)
        self.budget.count(trial, best(self.promised, self.goals))

    def _tell(self, running: Running, state: str, values: Mapping[str, float]) -> None:
        if not running.told:
            running.told = True
            self.optimizer.tell(running.asked, state, values)

    def _host_says(self, message: Message) -> None:
        match message:
            case {"forked": pid}:
                self.forking -= 1
                self.idle[int(pid)] = Link(socket.socket(fileno=self.link.fds.pop(0)))
            case {"ended": pid}:
                idle = self.idle.pop(int(pid), None)
                if idle is not None:
                    idle.close()
                running = self.running.pop(int(pid), None)
                if running is not None:
                    self._ended(running, message)

    def _ended(self, running: Running, message: Message) -> None:
        if running.open:
            self._listen(running)
        running.link.close()
        if self.stopped and not message["reason"]:
            # The same signal has reached it.
            message = {**message, "reason": "stopped"}
        trial = running.record(message, self.optimizer.distributions(running.asked), self.optimizer.attrs(running.asked))
        trial = trial.evolve(spent=round(self._elapsed(), 3))
        self._tell(running, trial.state, trial.values)
        self.done.append(trial)
        self.edge = front([*self.edge, trial], self.goals)
        if running.done is None:
            self._count(trial)
        top = best(self.edge, self.goals)
        line: dict[str, Any] = {"trial": trial.model_dump(mode="json", exclude_defaults=True) | {"number": trial.number}}
        if attrs := self.optimizer.study_attrs():
            line["study"] = {"study_attrs": attrs}
        self.channel.send({"kind": "trial", "line": line, "left": running.left if trial.state == "complete" else None})
        if top is not None and trial.state == "complete":
            self.channel.send(
                {"kind": "metric", "values": self._best_values(top), "step": trial.number, "at": trial.ended_at}
            )

    def _best_values(self, top: Trial) -> dict[str, float]:
        """The metrics of the best trial, which are the job's."""
        return {**{name: value for name, value in top.metrics.items() if math.isfinite(value)}, **top.values}

    def _tell_progress(self) -> None:
        now = time.monotonic()
        if now - self._progress_at < PROGRESS:
            return
        self._progress_at = now
        for running in self.running.values():
            if running.changed and running.done is None:
                running.changed = False
                part: dict[str, Any] = {
                    "number": running.asked.number,
                    "state": "running",
                    "params": running.asked.params,
                    "intermediate": thinned(running.points, 100),
                    "started_at": running.started_at,
                    "seed": running.seed,
                }
                self.channel.send({"kind": "trial", "line": {"trial": part}})

    def _finish(self) -> None:
        top = best(self.edge, self.goals)
        study: dict[str, Any] = {"ended": self.ending}
        if top is not None and len(self.done) <= MOST_IMPORTANT:
            study["importances"] = self.optimizer.importances()
        self.channel.send({"kind": "trial", "line": {"study": study}})
        if top is not None:
            self.channel.send({"kind": "metric", "values": self._best_values(top), "step": None, "at": time.time()})
            self.link.send({"end": {"best": top.number}})
        else:
            failed = next((item for item in self.done if item.state == "failed"), None)
            self.link.send({"end": {"failed": _verdict(self.done, failed, self.ending)}})


def _verdict(done: list[Trial], failed: Trial | None, ending: str) -> dict[str, Any]:
    """Why there is no best trial."""
    if failed is None:
        pruned = sum(item.state == "pruned" for item in done)
        why = f"all {pruned} were pruned" if pruned else f"the search ended first ({ending})"
        return {"reason": "objective", "message": f"No trial was completed: {why}."}
    count = sum(item.state == "failed" for item in done)
    text = f"No trial was completed, and {count} failed; trial {failed.number}: {failed.message}"
    return {
        "reason": failed.reason,
        "message": text,
        "error": None if failed.error is None else failed.error.model_dump(mode="json"),
    }

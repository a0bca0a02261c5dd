"""What the coordinator knows of a trial under way, and the record that comes of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from jupyter_slml.compute.amounts import size_text
from jupyter_slml.compute.wire import Link, Message
from jupyter_slml.domain.trials import Trial, thinned

if TYPE_CHECKING:
    from jupyter_slml.compute.tuning.optimizer import Asked


class Running:
    """Mutable, unlike the record."""

    def __init__(self, asked: Asked, link: Link, seed: int) -> None:
        self.asked = asked
        self.link = link
        self.seed = seed
        self.started_at = time.time()
        self.points: list[tuple[int, float]] = []
        self.metrics: dict[str, float] = {}
        self.user_attrs: dict[str, JsonValue] = {}
        #: What it said last: its result, then what it left.
        self.done: Message | None = None
        self.left: Message | None = None
        #: Whether the link may still say something; whether Optuna knows the end; whether we ended it.
        self.open = True
        self.told = False
        self.killed = False
        #: Since the last word about it.
        self.changed = False

    def record(self, ended: Message, distributions: dict[str, str], attrs: dict[str, JsonValue]) -> Trial:
        """`ended` is the host's word on its process."""
        return Trial(
            number=self.asked.number,
            params=self.asked.params,
            distributions=distributions,
            intermediate=thinned(self.points),
            metrics=self.metrics,
            started_at=round(self.started_at, 4),
            ended_at=round(time.time(), 4),
            cpu_seconds=ended["cpu"],
            peak_memory=ended["peak"],
            seed=self.seed,
            user_attrs=self.user_attrs,
            system_attrs=attrs,
            **self._end(ended),
        )

    def _end(self, ended: Message) -> dict[str, Any]:
        done = self.done
        if done is not None and done["state"] == "complete":
            if self.left is not None and self.left.get("failed"):
                return {"state": "failed", "reason": "output", "message": self.left["failed"]}
            return {"state": "complete", "values": done["values"]}
        if done is not None:
            return {name: done[name] for name in ("state", "reason", "message", "error") if done.get(name)}
        match ended["reason"]:
            case "stopped":
                return {"state": "stopped", "reason": "stopped", "message": "The search ended before it."}
            case "memory":
                used, share = size_text(ended["peak"]), size_text(ended["share"])
                text = (
                    f"It used {used} of memory; its share of the instance is {share}. A smaller --parallel makes it larger."
                )
                return {"state": "failed", "reason": "memory", "message": text}
        return {"state": "failed", "reason": "exit", "message": _exit(ended)}


def _exit(ended: Mapping[str, Any]) -> str:
    code = int(ended["code"])
    if code >= 0:
        return f"Its process left with exit code {code} before the cell had ended."
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    more = " If nobody killed it, the host ran out of memory." if -code == signal.SIGKILL else ""
    return f"Its process was ended by {name}.{more}"

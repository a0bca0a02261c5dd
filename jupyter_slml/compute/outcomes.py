"""From how a process ended to the one committed outcome."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from jupyter_slml.compute.amounts import size_text
from jupyter_slml.compute.room import PATIENCE
from jupyter_slml.domain.orders import AttemptOrder
from jupyter_slml.domain.outcomes import Artifact, CellError, Outcome, Reason
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import NotFound, StorageFull, Unavailable
from jupyter_slml.ports.blobs import Blobs, attempt_key

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SIGNALS = {
    signal.SIGSEGV: "it touched memory that is not its own (a fault in a compiled library)",
    signal.SIGABRT: "a compiled library gave up; see the log",
    signal.SIGKILL: "somebody killed it; if nobody did, the host ran out of memory",
    signal.SIGBUS: "a mapped file was shortened, or the disk is full",
}


async def persist(
    call: Callable[..., T], *arguments: Any, patience: float | None = None, waits: Callable[[str], None] | None = None
) -> T:
    """Run a blocking store call in a thread, again while the store cannot be reached or is full.

    Meanwhile `waits` hears why, and an empty word when it is over. Raises what it raises after `patience` seconds (PATIENCE,
    unless given; `math.inf` is for what must be told in the end).
    """
    until = time.monotonic() + (PATIENCE if patience is None else patience)
    pause = 0.2
    told = False
    try:
        while True:
            try:
                return await asyncio.to_thread(call, *arguments)
            except (Unavailable, StorageFull) as error:
                if time.monotonic() > until:
                    raise
                logger.warning("the store: %s; trying again", error.message)
                if waits is not None:
                    told = True
                    waits(error.message)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
    finally:
        if waits is not None and told:
            waits("")


def read_outcome(blobs: Blobs, attempt: str) -> Outcome | None:
    """The committed outcome."""
    try:
        return Outcome.model_validate_json(blobs.get(attempt_key(attempt, "outcome.json")))
    except (NotFound, ValidationError):
        return None


def read_start(blobs: Blobs, attempt: str) -> dict[str, Any] | None:
    """Who started the attempt: `{host, runner, at}`; None when nobody did."""
    try:
        found = json.loads(blobs.get(attempt_key(attempt, "start.json")))
    except (NotFound, ValueError):
        return None
    return found if isinstance(found, dict) else None


def claim(blobs: Blobs, attempt: str, host: str | None, runner: str | None) -> bool:
    """Take the attempt's one start. True for exactly one caller, ever."""
    mark = {"host": host, "runner": runner, "at": time.time()}
    return blobs.create(attempt_key(attempt, "start.json"), json.dumps(mark).encode())


def commit(blobs: Blobs, outcome: Outcome) -> Outcome:
    """Commit `outcome`, or return the one that was committed before."""
    if blobs.create(attempt_key(outcome.attempt, "outcome.json"), outcome.model_dump_json().encode()):
        return outcome
    return read_outcome(blobs, outcome.attempt) or outcome


def give_up(blobs: Blobs, attempt: str, message: str, state: AttemptState = AttemptState.LOST) -> Outcome:
    """Fence an attempt that nobody runs any more: nobody can start it or commit for it later. Returns its outcome, which is
    another one than `state` if somebody was faster."""
    claim(blobs, attempt, None, None)
    reason = Reason.STOP if state is AttemptState.STOPPED else Reason.PLATFORM
    outcome = Outcome(attempt=attempt, state=state, reason=reason, message=message, ended_at=time.time())
    return commit(blobs, outcome)


def verdict(order: AttemptOrder, ended: dict[str, Any], result: dict[str, Any] | None, broken: str = "") -> Outcome:
    """Judge an attempt by its keeper's report and by what the cell said last, if it said anything.

    `broken` is what we ended it for ourselves, when the keeper's reason is `disk` or `input`.
    """
    state, reason, message = _judge(order, ended, result, broken)
    error = (result or {}).get("error") or ((result or {}).get("failed") or {}).get("error")
    return Outcome(
        attempt=order.id,
        state=state,
        reason=reason,
        message=message,
        error=CellError.model_validate(error) if error and reason is Reason.EXCEPTION else None,
        exit_code=(result or {}).get("exit", ended["code"]),
        skipped=(result or {}).get("skipped", {}),
        environment=(result or {}).get("environment", {}),
        peak_memory=ended["peak_memory"],
        cpu_seconds=ended["cpu_seconds"],
        ended_at=ended["at"] or time.time(),
    )


def _judge(
    order: AttemptOrder, ended: dict[str, Any], result: dict[str, Any] | None, broken: str
) -> tuple[AttemptState, Reason, str]:
    limits = order.limits
    match ended["reason"]:
        case "memory":
            return (
                AttemptState.FAILED,
                Reason.MEMORY,
                f"The cell used {size_text(ended['peak_memory'])} of memory; {order.spec.instance} allows "
                f"{size_text(limits.memory)}. Choose a larger instance type, or read less data at once.",
            )
        case "disk" | "input" as reason:
            return AttemptState.FAILED, Reason(reason), broken
        case "timeout":
            text = f"The cell ran longer than its timeout of {limits.timeout or 0:g} s."
            return AttemptState.TIMED_OUT, Reason.TIMEOUT, text
        case "lost":
            text = "The process that guarded the cell was killed, and the cell with it."
            return AttemptState.LOST, Reason.PLATFORM, text
        case None:
            return _by_itself(ended["code"], result)
        case reason:
            return AttemptState.STOPPED, Reason.STOP, "Stopped on request." if reason == "stop" else f"Stopped: {reason}."


def _by_itself(code: int, result: dict[str, Any] | None) -> tuple[AttemptState, Reason, str]:
    if result is None:
        return AttemptState.FAILED, Reason.EXIT, _exit(code)
    if "exit" in result:
        return AttemptState.FAILED, Reason.EXIT, f"The cell called sys.exit({result['exit']})."
    if "died" in result:
        return AttemptState.FAILED, Reason.EXIT, _exit(result["died"])
    if lost := result.get("lost"):
        return AttemptState.LOST, Reason.PLATFORM, lost
    if failed := result.get("failed"):
        return AttemptState.FAILED, Reason(failed["reason"]), failed["message"]
    if result.get("full"):
        return AttemptState.FAILED, Reason.PLATFORM, result["full"]
    if result.get("missing"):
        return AttemptState.FAILED, Reason.OUTPUT, result["missing"]
    if error := result.get("error"):
        first = (error["evalue"].strip().splitlines() or [""])[0][:500]
        where = f" (line {error['line']} of the cell)" if error["line"] else ""
        return AttemptState.FAILED, Reason.EXCEPTION, result.get("message") or f"{error['ename']}: {first}{where}"
    return AttemptState.SUCCEEDED, Reason.DONE, ""


def _exit(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        why = _SIGNALS.get(signal.Signals(-code)) if -code in signal.valid_signals() else None
        return f"The cell's process was ended by {name}" + (f": {why}." if why else ".")
    return (
        f"The cell's process left with exit code {code} before the cell had ended "
        "(os._exit, or a library that calls exit; or the cell closed descriptors that are not its own)."
    )


def store_output(blobs: Blobs, item: dict[str, Any]) -> Artifact:
    """An output that a child has described, with its bytes in the store."""
    digest, size = blobs.add_file(Path(item["path"]))
    baseline = None if item["baseline"] is None else blobs.add_file(Path(item["baseline"]))[0]
    facts = {key: item[key] for key in ("name", "format", "type", "signature")}
    return Artifact(digest=digest, size=size, baseline=baseline, **facts)


def storage_failure(order: AttemptOrder, ended: dict[str, Any], error: StorageFull | Exception) -> Outcome:
    """The cell succeeded, and what it left could not be stored."""
    return Outcome(
        attempt=order.id,
        state=AttemptState.FAILED,
        reason=Reason.PLATFORM,
        message=f"The cell's outputs could not be stored: {error}",
        exit_code=ended["code"],
        peak_memory=ended["peak_memory"],
        cpu_seconds=ended["cpu_seconds"],
        ended_at=ended["at"] or time.time(),
    )

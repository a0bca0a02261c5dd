"""What every `ports.compute.Compute` and every `ports.blobs.Blobs` must do, as checks to run on an implementation.

`COMPUTE` holds coroutine functions that take a Stage, `BLOBS` functions that take a store and an empty directory. A check
returns, or raises AssertionError that says which obligation is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_slml.domain.instances import CPU_RESOURCE
from jupyter_slml.domain.orders import AttemptOrder
from jupyter_slml.domain.outcomes import Outcome, Reason
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import IntegrityError, NotFound, SlmlError
from jupyter_slml.ports.blobs import Blobs, digest_key
from jupyter_slml.ports.compute import Compute

#: Seconds that anything may take.
DEADLINE = 60.0

#: Cells that the in-memory cluster understands, too.
ENDS, RAISES, STAYS = "x = 1", "raise ValueError('no')", "import time\ntime.sleep(600)"


class Heard:
    """An observer that remembers what was said of which order, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, tuple[Any, ...]]] = []

    def attempt_ended(self, outcome: Outcome) -> None:
        self.calls.append(("attempt_ended", outcome.attempt, (outcome,)))

    def cluster_changed(self) -> None:
        """Of no order."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith(("attempt_", "replica_")):
            raise AttributeError(name)
        return lambda subject, *more: self.calls.append((name, subject, more))

    def kinds(self, order: AttemptOrder) -> list[str]:
        return [kind for kind, subject, _ in self.calls if subject == order.id]

    def outcomes(self, order: AttemptOrder) -> list[Outcome]:
        return [more[0] for kind, subject, more in self.calls if (kind, subject) == ("attempt_ended", order.id)]


@dataclass
class Stage:
    """A connected compute, and what a check needs beside it."""

    compute: Compute
    heard: Heard
    #: A new order, of one cpu, for this cell.
    order: Callable[[str], AttemptOrder]
    #: As after the death of a daemon: another connection to the same cluster, with an observer of its own.
    again: Callable[[], Awaitable[tuple[Compute, Heard]]]
    submitted: list[AttemptOrder] = field(default_factory=list)

    async def submit(self, source: str) -> AttemptOrder:
        order = self.order(source)
        self.submitted.append(order)
        await self.compute.submit(order)
        return order

    async def running(self) -> AttemptOrder:
        """An order whose cell has begun and stays."""
        order = await self.submit(STAYS)
        await until(lambda: "attempt_first_line" in self.heard.kinds(order), "the first line")
        return order

    async def ended(self, order: AttemptOrder) -> Outcome:
        await until(lambda: self.heard.outcomes(order), "the end")
        return self.heard.outcomes(order)[0]

    async def clear(self) -> None:
        """End what a check has left."""
        for order in self.submitted:
            if not self.heard.outcomes(order):
                await self.compute.stop(order.id, "stop", 0)
                await self.ended(order)


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"{what} did not come within {DEADLINE:g} s") from None


async def an_order_starts_once_and_ends_once(stage: Stage) -> None:
    """However often it is submitted; what has ended is told again to whoever asks again, and does not run again."""
    order = await stage.submit(ENDS)
    await stage.compute.submit(order)
    outcome = await stage.ended(order)
    kinds = [kind for kind in stage.heard.kinds(order) if kind in ("attempt_started", "attempt_first_line", "attempt_ended")]
    assert kinds == ["attempt_started", "attempt_first_line", "attempt_ended"], kinds
    assert (outcome.state, outcome.reason) == (AttemptState.SUCCEEDED, Reason.DONE), outcome
    await stage.compute.submit(order)
    await until(lambda: len(stage.heard.outcomes(order)) == 2, "the end, told again")
    assert stage.heard.outcomes(order)[1] == outcome


async def a_failure_is_not_retried(stage: Stage) -> None:
    order = await stage.submit(RAISES)
    outcome = await stage.ended(order)
    assert (outcome.state, outcome.reason) == (AttemptState.FAILED, Reason.EXCEPTION), outcome
    assert outcome.error is not None and (outcome.error.ename, outcome.error.evalue) == ("ValueError", "no")
    assert stage.heard.kinds(order).count("attempt_started") == 1


async def a_stop_ends_what_runs(stage: Stage) -> None:
    """Stopping it again, or what is not known, is no error."""
    order = await stage.running()
    await stage.compute.stop(order.id, "stop", 0)
    outcome = await stage.ended(order)
    assert (outcome.state, outcome.reason) == (AttemptState.STOPPED, Reason.STOP), outcome
    await stage.compute.stop(order.id, "stop", 0)
    assert len(stage.heard.outcomes(order)) == 1


async def a_stop_is_heard_before_the_start(stage: Stage) -> None:
    """An order that waits for its slot ends without having started."""
    full = await _filled(stage)
    order = await stage.submit(STAYS)
    await stage.compute.stop(order.id, "stop", 0)
    outcome = await stage.ended(order)
    assert outcome.state is AttemptState.STOPPED, outcome
    assert "attempt_started" not in stage.heard.kinds(order)
    assert not any(stage.heard.outcomes(other) for other in full)


async def slots_count_what_was_submitted(stage: Stage) -> None:
    """At once, and no more when it has ended; what no worker can ever hold is said with both numbers."""
    wanted = stage.order(ENDS).resources
    assert stage.compute.fits(wanted) is None
    most = max(host.cpus for host in stage.compute.status().hosts)
    problem = stage.compute.fits({**wanted, CPU_RESOURCE: most + 1})
    assert problem is not None and f"{most + 1:g}" in problem and f"{most:g}" in problem, problem
    full = await _filled(stage)
    assert not stage.compute.slot(wanted)
    await stage.compute.stop(full[0].id, "stop", 0)
    await stage.ended(full[0])
    assert stage.compute.slot(wanted)


async def another_daemon_attaches(stage: Stage) -> None:
    """It hears of the start and of the one end of what it submits again, which is not started again."""
    order = await stage.running()
    compute, heard = await stage.again()
    try:
        await compute.submit(order)
        await until(lambda: "attempt_started" in heard.kinds(order), "the start, told to another")
        await compute.stop(order.id, "stop", 0)
        await until(lambda: heard.outcomes(order), "the end, told to another")
        assert [outcome.state for outcome in heard.outcomes(order)] == [AttemptState.STOPPED]
        ended = await stage.submit(ENDS)
        await stage.ended(ended)
        await compute.submit(ended)
        await until(lambda: heard.outcomes(ended), "the end of what had ended before")
    finally:
        if compute is not stage.compute:
            await compute.close()
    assert heard.outcomes(ended) == stage.heard.outcomes(ended)


async def nothing_is_waited_for_without_a_reason(stage: Stage) -> None:
    order = await stage.running()
    assert stage.compute.waits(order.id) == "" == stage.compute.waits("nobody")


async def _filled(stage: Stage) -> list[AttemptOrder]:
    """Orders that hold all slots."""
    orders = []
    while stage.compute.slot(stage.order(STAYS).resources):
        orders.append(await stage.submit(STAYS))
    await until(lambda: all("attempt_first_line" in stage.heard.kinds(order) for order in orders), "their first lines")
    return orders


COMPUTE = (
    an_order_starts_once_and_ends_once,
    a_failure_is_not_retried,
    a_stop_ends_what_runs,
    a_stop_is_heard_before_the_start,
    slots_count_what_was_submitted,
    another_daemon_attaches,
    nothing_is_waited_for_without_a_reason,
)


def one_of_many_creates(blobs: Blobs, folder: Path) -> None:
    """Thirty-two at once: the fence of attempts."""
    gate = threading.Barrier(32)
    won: list[bytes] = []

    def race(number: int) -> None:
        gate.wait()
        if blobs.create("attempts/a/outcome.json", b"%d" % number):
            won.append(b"%d" % number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [blobs.get("attempts/a/outcome.json")] == won


def objects_are_found_listed_and_deleted(blobs: Blobs, folder: Path) -> None:
    """Keys come sorted, a prefix ends at a slash; what is not there is NotFound, and deleting it is no error."""
    for number in (2, 1, 3):
        blobs.put(f"attempts/a/log/{number:08}.jsonl", b"{}" * number)
    blobs.put("attempts/ab/log/00000009.jsonl", b"{}")
    blobs.put("attempts/a/log/00000002.jsonl", b"new")
    assert blobs.get("attempts/a/log/00000002.jsonl") == b"new"
    assert [key[-7] for key in blobs.list("attempts/a")] == ["1", "2", "3"]
    assert {entry.key[-7]: entry.size for entry in blobs.entries("attempts/a")} == {"1": 2, "2": 3, "3": 6}
    for _ in range(2):
        blobs.delete("attempts/a/log/00000001.jsonl")
    assert not blobs.exists("attempts/a/log/00000001.jsonl")
    assert blobs.exists("attempts/a/log/00000003.jsonl")
    assert len(blobs.list("attempts/a/log")) == 2
    assert blobs.list("attempts/none") == []
    assert _raised(lambda: blobs.get("attempts/a/none")) is NotFound
    assert _raised(lambda: b"".join(blobs.read("0" * 64))) is NotFound
    assert _raised(lambda: blobs.local("0" * 64, folder)) is NotFound


def content_lies_once_under_its_digest(blobs: Blobs, folder: Path) -> None:
    """In any pieces, from memory or a file; with a wrong digest nothing is stored."""
    digest = hashlib.sha256(b"abc").hexdigest()
    source = folder / "source"
    source.write_bytes(b"abc")
    assert blobs.add([b"ab", b"c"]) == blobs.add([b"abc"], digest) == blobs.add_file(source) == (digest, 3)
    assert source.read_bytes() == b"abc"
    assert [entry.key for entry in blobs.entries("cas")] == [digest_key(digest)]
    for _ in range(2):
        assert blobs.local(digest, folder / "cache").read_bytes() == b"".join(blobs.read(digest)) == b"abc"
    assert _raised(lambda: blobs.add([b"other"], digest)) is IntegrityError
    assert not blobs.exists(digest_key(hashlib.sha256(b"other").hexdigest()))


def a_key_is_no_way_out(blobs: Blobs, folder: Path) -> None:
    for key in ("../outside", "attempts/../../outside"):
        raised = _raised(lambda key=key: blobs.put(key, b"x"))  # type: ignore[misc]
        assert raised is not None and issubclass(raised, SlmlError), key


def _raised(call: Callable[[], object]) -> type[BaseException] | None:
    try:
        call()
    except Exception as error:
        return type(error)
    return None


BLOBS = (
    one_of_many_creates,
    objects_are_found_listed_and_deleted,
    content_lies_once_under_its_digest,
    a_key_is_no_way_out,
)

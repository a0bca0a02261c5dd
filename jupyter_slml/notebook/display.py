"""Drawing a job: at once and live, or followed inside the cell until it has ended."""

from __future__ import annotations

import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

from jupyter_slml.notebook.card import bundle
from jupyter_slml.notebook.live import INTERVAL, LogTail

if TYPE_CHECKING:
    from jupyter_slml.domain.records import Job
    from jupyter_slml.notebook.handle import JobHandle
    from jupyter_slml.notebook.session import Session

#: Characters of a log that a waiting cell prints; the rest is kept by the platform.
MOST_PRINTED = 256 * 1024
#: Seconds of one look while a cell waits.
_LOOK = 1.0


class Card:
    """One display of a job, updated in place."""

    def __init__(self, session: Session, handle: JobHandle) -> None:
        self._session = session
        self._handle = handle
        self._id = f"slml-{uuid.uuid4().hex}"
        self._last: dict[str, Any] | None = None
        self._at = 0.0

    def draw(self, tail: list[str]) -> None:
        """Show, or update when it has changed."""
        payload = self._handle.payload(tail)
        if payload == self._last:
            return
        self._publish(payload, update=self._last is not None)
        self._last, self._at = payload, time.monotonic()

    def draw_soon(self, tail: list[str]) -> None:
        """Update unless it was done a moment ago."""
        if time.monotonic() - self._at >= INTERVAL:
            self.draw(tail)

    def on_change(self, record: Job, tail: list[str]) -> None:
        """A `live.Watcher`."""
        self._handle.update(record)
        self.draw(tail)

    def _publish(self, payload: dict[str, Any], *, update: bool) -> None:
        shell = self._session.shell
        if shell is None:
            return
        if update and getattr(shell, "kernel", None) is None and not self._handle.is_final:
            # A terminal cannot change what it has printed: it gets the first and the last word.
            return
        shell.display_pub.publish(bundle(payload), {}, transient={"display_id": self._id}, update=update)


def show_job(session: Session, handle: JobHandle) -> None:
    """Draw the job; while it runs, the display follows it."""
    place = session.surroundings.place
    record = handle.record
    if place in ("vscode", "colab") and not record.state.is_final:
        from IPython.display import display

        display(handle.widget())  # type: ignore[no-untyped-call]
        return
    card = Card(session, handle)
    final = record.state.is_final
    card.draw(LogTail(session.client, handle.id).read() if final else [])
    if not final and place == "lab":
        session.live.watch(handle.id, card.on_change)


def follow(session: Session, handle: JobHandle) -> None:
    """Draw the job, print its log as it comes, and return when it is final, the display being up to date.

    Raises KeyboardInterrupt through: the job goes on.
    """
    card = Card(session, handle)
    tail = LogTail(session.client, handle.id)
    card.draw([])
    position = printed = 0
    more = False
    record = handle.record
    while True:
        if not record.state.is_final and not more:
            record = handle.update(handle.look(_LOOK, record.revision))
        page = handle.log_after(position)
        position, more = page.last, page.more
        for entry in page.entries:
            tail.add(entry.x)
            printed = _print(entry.x, entry.s, printed, handle.id)
        if record.state.is_final and (page.done or not page.entries):
            break
        card.draw_soon(tail.lines)
    card.draw(tail.lines)


def followed(session: Session, handle: JobHandle) -> bool:
    """Follow the job and show what it left, also of one that failed: a figure may show why. False when the user had enough,
    and the job goes on. Raises the job's error."""
    try:
        follow(session, handle)
    except KeyboardInterrupt:
        sys.stdout.write(f"Job {handle.name!r} keeps running. `%job {handle.id}` shows it, `%stop {handle.id}` ends it.\n")
        return False
    handle.drawn = True
    handle.displays()
    handle.check()
    return True


def _print(text: str, stream: str, printed: int, job: str) -> int:
    """Write to the cell's own streams, up to a limit; returns the characters so far."""
    if printed >= MOST_PRINTED:
        return printed
    target = sys.stderr if stream == "err" else sys.stdout
    target.write(text)
    target.flush()
    printed += len(text)
    if printed >= MOST_PRINTED:
        sys.stdout.write(f"\n… the log is long; `%logs {job}` shows all of it.\n")
    return printed

"""One replica as the gateway sees it: a connection that takes a batch and gives its answers, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_slml.serving import frames

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.exchange import Exchange
    from jupyter_slml.serving.gateway.pool import Pool

log = logging.getLogger("slml.gateway")


class ReplicaLink(asyncio.Protocol):
    """Made when a replica was let in. Holds at most one batch at a time."""

    def __init__(self, transport: asyncio.Transport, pool: Pool, replica: str, *, standby: bool, out: bool) -> None:
        self._transport = transport
        self.pool = pool
        self.replica = replica
        #: Loaded ahead: it gets nothing before it is needed.
        self.standby = standby
        #: Out of rotation: it answers what it has and gets nothing more.
        self.out = out
        self.batch: list[Exchange] | None = None
        #: When the batch was sent.
        self.sent_at = 0.0
        #: Seconds that its batches took.
        self.busy = 0.0
        #: When it last showed that it lives, and since when it is asked to: None when it is not.
        self._heard_at = asyncio.get_running_loop().time()
        self._probed_at: float | None = None
        self._splitter = frames.Splitter()
        self._when_idle: list[Callable[[], None]] = []
        self._leaving = False

    @property
    def serves(self) -> bool:
        """Whether it is in rotation."""
        return not self.out and not self.standby and self in self.pool.links

    def send(self, batch: list[Exchange], now: float) -> None:
        """Give it work. On a connection that is about to be lost the batch comes back through `Pool.lost`."""
        self.batch = batch
        self.sent_at = now
        if not self._transport.is_closing():
            self._transport.write(frames.ask([(one.start + one.trace, one.body) for one in batch]))

    def attach(self) -> None:
        """Join the revision; work may come at once."""
        self.pool.attach(self)

    def call_when_idle(self, then: Callable[[], None]) -> None:
        if self.batch is None:
            then()
        else:
            self._when_idle.append(then)

    def finish(self) -> None:
        """Close the connection once it has answered what it has."""
        self.out = True
        self._leaving = True
        self.call_when_idle(self._transport.close)

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    # health

    def hangs(self, now: float, longest: float) -> bool:
        """Whether it has had its batch, or a question after its health, for longer than that."""
        if self.batch is not None:
            return now - self.sent_at > longest
        return self._probed_at is not None and now - self._probed_at > longest

    def probe(self, now: float, after: float) -> None:
        """Ask an idle replica whether it lives when it has been silent for so long. A model may be loaded into a console
        that never gives the interpreter back: such a replica would take a request and keep it."""
        if self.batch is None and self._probed_at is None and now - self._heard_at > after:
            self._probed_at = now
            if not self._transport.is_closing():
                self._transport.write(frames.EMPTY)

    # transport

    def data_received(self, data: bytes) -> None:
        try:
            for parts in self._splitter.feed(data):
                if not parts and self._probed_at is not None:
                    self._probed_at = None
                    self._heard_at = asyncio.get_running_loop().time()
                    continue
                batch, self.batch = self.batch, None
                if batch is None or len(batch) != len(parts):
                    self.batch = batch
                    raise frames.BrokenFrame("answers that nobody asked for")
                try:
                    replies = [frames.read_reply(part) for part in parts]
                except frames.BrokenFrame:
                    self.batch = batch
                    raise
                self.pool.answered(self, batch, replies)
                self._heard_at = self.sent_at
                self._report_idle()
        except frames.BrokenFrame as error:
            log.error("replica %s of %s sent %s; its link is closed", self.replica, self.pool.endpoint.name, error)
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        batch, self.batch = self.batch, None
        if not self._leaving and not self.out:
            log.warning("replica %s of %s left%s", self.replica, self.pool.endpoint.name, f": {exc}" if exc else "")
        self.pool.lost(self, batch)
        self._report_idle()

    def _report_idle(self) -> None:
        if self.batch is None and self._when_idle:
            waiting, self._when_idle = self._when_idle, []
            for then in waiting:
                then()

"""One replica as the gateway sees it: a connection that takes a batch and gives its answers, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_slml.serving import frames

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.endpoint import Endpoint
    from jupyter_slml.serving.gateway.exchange import Exchange

log = logging.getLogger("slml.gateway")


class ReplicaLink(asyncio.Protocol):
    """Made when a replica was let in. Holds at most one batch at a time."""

    def __init__(self, transport: asyncio.Transport, endpoint: Endpoint, revision: str, replica: str) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self.revision = revision
        self.replica = replica
        #: Out of rotation: it answers what it has and gets nothing more.
        self.draining = False
        self.batch: list[Exchange] | None = None
        self._splitter = frames.Splitter()
        self._when_idle: list[Callable[[], None]] = []
        self._leaving = False

    def send(self, batch: list[Exchange]) -> None:
        """Give it work. On a connection that is about to be lost the batch comes back through `Endpoint.lost`."""
        self.batch = batch
        if not self._transport.is_closing():
            self._transport.write(frames.join([exchange.head + exchange.body for exchange in batch]))

    def attach(self) -> None:
        """Join the endpoint; work may come at once."""
        self._endpoint.attach(self)

    def call_when_idle(self, then: Callable[[], None]) -> None:
        if self.batch is None:
            then()
        else:
            self._when_idle.append(then)

    def finish(self) -> None:
        """Close the connection once it has answered what it has."""
        self.draining = True
        self._leaving = True
        self.call_when_idle(self._transport.close)

    def data_received(self, data: bytes) -> None:
        try:
            for parts in self._splitter.feed(data):
                batch, self.batch = self.batch, None
                if batch is None or len(batch) != len(parts):
                    self.batch = batch
                    raise frames.BrokenFrame("answers that nobody asked for")
                try:
                    replies = [frames.read_reply(part) for part in parts]
                except frames.BrokenFrame:
                    self.batch = batch
                    raise
                self._endpoint.answered(self, batch, replies)
                self._report_idle()
        except frames.BrokenFrame as error:
            log.error("replica %s of %s sent %s; its link is closed", self.replica, self._endpoint.name, error)
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        batch, self.batch = self.batch, None
        if not self._leaving:
            log.warning("replica %s of %s left%s", self.replica, self._endpoint.name, f": {exc}" if exc else "")
        self._endpoint.lost(self, batch)
        self._report_idle()

    def _report_idle(self) -> None:
        if self.batch is None and self._when_idle:
            waiting, self._when_idle = self._when_idle, []
            for then in waiting:
                then()

"""One endpoint: the requests that wait, the replicas that answer, and the rule that joins them.

The rule (no timer): a request that arrives while a replica is idle leaves at once; while all are busy it waits, and a
replica that has answered gets all that waits. So a batch is what arrived during one turn of a replica: it adapts to load.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from jupyter_slml.errors import Busy, Expired, NotFound, SlmlError, Unavailable
from jupyter_slml.serving.frames import Reply
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.latency import Histogram
from jupyter_slml.serving.gateway.limits import Limits
from jupyter_slml.serving.gateway.link import ReplicaLink
from jupyter_slml.serving.gateway.routes import EndpointRoute


class Budget:
    """Bytes of bodies in memory, all endpoints together."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


class Endpoint:
    """Queue, replicas and counters of one endpoint. Everything happens on the gateway's loop, in callbacks."""

    def __init__(self, name: str, route: EndpointRoute, limits: Limits, budget: Budget) -> None:
        self.name = name
        self.route = route
        self._limits = limits
        self._budget = budget
        self.queue: deque[Exchange] = deque()
        self.links: set[ReplicaLink] = set()
        #: Links in rotation that wait for work.
        self._idle: list[ReplicaLink] = []
        self._rotation = 0
        self.requests = 0
        self.errors = 0
        self.refused = 0
        self.batches = 0
        self.latency = Histogram()

    # requests

    def admit(self, exchange: Exchange) -> None:
        """Take a request, or refuse it when as many wait as may wait."""
        self.requests += 1
        size = len(exchange.body)
        if len(self.queue) >= self.route.max_queue or self._budget.used + size > self._limits.held_bytes:
            self.refused += 1
            exchange.fail(
                Busy(
                    f"{len(self.queue)} requests wait for {self.name!r}, which is as many as may wait.",
                    field="endpoint",
                    value=self.name,
                    remedy="Try again after the time in Retry-After, or deploy with a larger --max-queue.",
                    detail={"retry_after": 1},
                )
            )
            return
        self._budget.used += size
        exchange.endpoint = self
        exchange.deadline = exchange.arrived + self.route.timeout
        self.queue.append(exchange)
        if self._idle:
            self._flush(self._idle.pop())

    def withdraw(self, exchange: Exchange) -> None:
        """The client went away. What is already with a replica is answered to nobody."""
        self._settle(exchange)
        try:
            self.queue.remove(exchange)
        except ValueError:
            return

    def expire(self, now: float) -> None:
        """Answer 504 to whatever is past its deadline."""
        while self.queue and self.queue[0].deadline <= now:
            self._fail(self.queue.popleft(), self._expired())
        for link in self.links:
            for exchange in link.batch or ():
                if not exchange.done and exchange.deadline <= now:
                    self._fail(exchange, self._expired())

    # replicas

    def attach(self, link: ReplicaLink) -> None:
        self.links.add(link)
        self._rotate()

    def drop(self, link: ReplicaLink, then: Callable[[], None]) -> None:
        """Take a replica out of rotation; `then` is called when it has answered what it has."""
        link.draining = True
        self._rotate()
        link.call_when_idle(then)

    def lost(self, link: ReplicaLink, batch: list[Exchange] | None) -> None:
        """A replica went away: what it had not answered goes to the head of the queue, in its order."""
        self.links.discard(link)
        for exchange in reversed(batch or ()):
            if exchange.done:
                continue
            exchange.tries += 1
            if exchange.tries > self._limits.tries:
                self._fail(exchange, self._unlucky(exchange))
            else:
                self.queue.appendleft(exchange)
        self._rotate()

    def answered(self, link: ReplicaLink, batch: list[Exchange], replies: Sequence[Reply]) -> None:
        """A replica answered its batch. It gets the next one first, so that it works while the answers are written."""
        now = monotonic()
        if self._serves(link):
            if self.queue:
                self._flush(link)
            else:
                self._idle.append(link)
        for exchange, reply in zip(batch, replies, strict=True):
            if exchange.done:
                continue
            self._settle(exchange)
            self.latency.add(now - exchange.arrived)
            if reply.status >= 400:
                if reply.status >= 500:
                    self.errors += 1
                else:
                    self.refused += 1
            exchange.finish(*reply)

    def update(self, route: EndpointRoute) -> None:
        """Take a new snapshot's word; what waits keeps waiting, for no longer than the new timeout allows."""
        if route.timeout < self.route.timeout:
            for exchange in self.queue:
                exchange.deadline = min(exchange.deadline, exchange.arrived + route.timeout)
        self.route = route
        self._rotate()

    def close(self) -> None:
        """The endpoint is gone: what waits is told so, what is with a replica is still answered."""
        while self.queue:
            self._fail(self.queue.popleft(), unknown_endpoint(self.name))
        for link in list(self.links):
            link.finish()

    def _rotate(self) -> None:
        """Work out anew which replicas are in rotation, and give work to the idle ones."""
        serving = [link for link in self.links if self._serves(link)]
        self._rotation = len(serving)
        self._idle = [link for link in serving if link.batch is None]
        while self.queue and self._idle:
            self._flush(self._idle.pop())

    def _serves(self, link: ReplicaLink) -> bool:
        return link.revision == self.route.wanted and not link.draining and link in self.links

    def _flush(self, link: ReplicaLink) -> None:
        queue = self.queue
        count = min(len(queue), self._limits.batch)
        if self._rotation > 1:
            # One replica never takes everything while another may be idle in a moment.
            count = min(count, (len(queue) + 1) // 2)
        batch = [queue.popleft()]
        size = len(batch[0].body)
        while len(batch) < count:
            size += len(queue[0].body)
            if size > self._limits.batch_bytes:
                break
            batch.append(queue.popleft())
        self.batches += 1
        link.send(batch)

    # ends

    def _settle(self, exchange: Exchange) -> None:
        if not exchange.done:
            exchange.done = True
            self._budget.used -= len(exchange.body)

    def _fail(self, exchange: Exchange, error: SlmlError) -> None:
        self._settle(exchange)
        self.errors += 1
        exchange.fail(error)

    def _expired(self) -> Expired:
        state = "its replicas are busy" if self._rotation else "no replica of it is ready"
        return Expired(
            f"{self.name!r} did not answer within {self.route.timeout:g} s: {state}.",
            field="endpoint",
            value=self.name,
            remedy="See what it waits for with: jupyter slml endpoints. A longer --timeout lets requests wait longer.",
        )

    def _unlucky(self, exchange: Exchange) -> Unavailable:
        return Unavailable(
            f"{exchange.tries} replicas of {self.name!r} died while they had this request.",
            field="endpoint",
            value=self.name,
            remedy="Look into the replica's last lines with: jupyter slml endpoints. The request itself may be the cause.",
            detail={"retry_after": 1},
        )

    # for people

    def state(self) -> dict[str, Any]:
        """What a client may know of it."""
        return {
            "name": self.name,
            "ready": self._rotation > 0,
            "serving": self.route.serving,
            "replicas": self._rotation,
            "queued": len(self.queue),
        }

    def statistics(self) -> dict[str, Any]:
        """Counters since the gateway started, and what is there now."""
        return {
            "requests": self.requests,
            "errors": self.errors,
            "refused": self.refused,
            "batches": self.batches,
            "queued": len(self.queue),
            "replicas": sorted(link.replica for link in self.links if self._serves(link)),
            "attached": sorted(link.replica for link in self.links),
            "latency": {"p50": self.latency.quantile(0.5), "p99": self.latency.quantile(0.99)},
        }


def unknown_endpoint(name: str) -> NotFound:
    return NotFound(
        f"There is no endpoint {name[:80]!r}.",
        field="endpoint",
        value=name,
        remedy="List them with %endpoints or: jupyter slml endpoints. Make one with: %deploy MODEL",
    )

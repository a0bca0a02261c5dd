"""One revision: the requests that wait for it, the replicas that answer, and the rule that joins them.

The rule (no timer): a request that arrives while a replica is idle leaves at once; while all are busy it waits, and a
replica that has answered gets all that waits. So a batch is what arrived during one turn of a replica: it adapts to load.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.latencies import Histogram
from jupyter_slml.errors import Expired, SlmlError, Unavailable
from jupyter_slml.serving.frames import Reply
from jupyter_slml.serving.gateway.doors import SLML
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.link import ReplicaLink
from jupyter_slml.serving.gateway.routes import RevisionRoute

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.endpoint import Endpoint

#: Batches are counted by powers of two of their length: 1, 2, 3..4, 5..8, … 129..256, more.
SIZES = 10


class Pool:
    """Queue, replicas and counters of one revision. Everything happens on the gateway's loop, in callbacks."""

    def __init__(self, endpoint: Endpoint, revision: str, route: RevisionRoute) -> None:
        self.endpoint = endpoint
        self.revision = revision
        self.reroute(route)
        self._budget = endpoint.house.budget
        self._limits = endpoint.house.limits
        #: Whether requests that name no variant may come here.
        self.targeted = False
        #: What callers hear when the endpoint is gone.
        self._closed: SlmlError | None = None
        self.queue: deque[Exchange] = deque()
        self.links: set[ReplicaLink] = set()
        #: Links in rotation that wait for work.
        self._idle: list[ReplicaLink] = []
        self.rotation = 0
        #: Until then a replica that was lost may come back by itself, or the daemon replaces it.
        self.quiet_until = 0.0
        self.arrivals = 0
        self.batches = 0
        self.busy = 0.0
        self.latency = Histogram()
        self.sizes = [0] * SIZES
        #: Answers of replicas by status, but for the 200s; and what the gateway itself refused or gave up.
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[int] = Counter()

    def reroute(self, route: RevisionRoute) -> None:
        """Take a new snapshot's word."""
        self.route = route
        #: When it last said something else of it; the waker trusts what it says for a while.
        self.routed_at = monotonic()
        self.variant = route.variant or self.revision
        self._line = b"X-Slml-Variant: %b\r\n" % self.variant.encode()

    # requests

    def admit(self, exchange: Exchange) -> None:
        """Take a request, or refuse it when as many wait as may wait."""
        self.arrivals += 1
        size = len(exchange.body)
        budget, route = self._budget, self.endpoint.route
        if len(self.queue) >= route.max_queue or budget.used + size > self._limits.held_bytes:
            self.refuse(exchange, self.endpoint.full(self))
            return
        budget.used += size
        exchange.pool = self
        exchange.deadline = exchange.arrived + route.timeout
        self.queue.append(exchange)
        if self._idle:
            self._flush(self._idle.pop(), exchange.arrived)
        elif not self.rotation:
            self.want()

    def want(self) -> None:
        """When requests wait and nobody is there to answer, a standby joins, or a replica is started."""
        self.endpoint.house.active.add(self)
        if not self.needs():
            return
        standby = next((link for link in self.links if link.standby and not link.out), None)
        if standby is not None:
            self.endpoint.house.promote(standby)
        else:
            self.endpoint.house.wake(self)

    def adopt(self, moved: Sequence[Exchange]) -> None:
        """Take requests that waited for another revision."""
        for exchange in moved:
            exchange.pool = self
        self.queue = deque(sorted([*self.queue, *moved], key=lambda exchange: exchange.arrived))
        self.rotate()

    def withdraw(self, exchange: Exchange) -> None:
        """The client went away. What is already with a replica is answered to nobody."""
        self._settle(exchange)
        try:
            self.queue.remove(exchange)
        except ValueError:
            return

    def needs(self) -> bool:
        """Whether requests wait and no replica is there to take them."""
        return bool(self.queue) and not self.rotation

    def expire(self, now: float) -> None:
        """Answer 504 to whatever is past its deadline, and let go of replicas that hang."""
        while self.queue and self.queue[0].deadline <= now:
            self.fail(self.queue.popleft(), self._expired())
        longest = max(self.endpoint.route.timeout, self._limits.hang_time)
        for link in list(self.links):
            for exchange in link.batch or ():
                if not exchange.done and exchange.deadline <= now:
                    self.fail(exchange, self._expired())
            if link.hangs(now, longest):
                self.endpoint.house.report_hung(link)
                link.abort()
            else:
                link.probe(now, self._limits.probe_time)

    # replicas

    def attach(self, link: ReplicaLink) -> None:
        self.links.add(link)
        self.endpoint.house.active.add(self)
        self.rotate()
        self.want()

    def drop(self, link: ReplicaLink, then: Callable[[], None]) -> None:
        """Take a replica out of rotation; `then` is called when it has answered what it has."""
        link.out = True
        self.rotate()
        link.call_when_idle(then)

    def restore(self, link: ReplicaLink) -> None:
        """Back into rotation."""
        link.out = False
        self.rotate()

    def lost(self, link: ReplicaLink, batch: list[Exchange] | None) -> None:
        """A replica went away: what it had not answered goes to the head of the queue, in its order."""
        self.links.discard(link)
        for exchange in reversed(batch or ()):
            if exchange.done:
                continue
            exchange.tries += 1
            if exchange.tries > self._limits.tries:
                self.fail(exchange, self._unlucky(exchange))
            else:
                self.queue.appendleft(exchange)
        if not link.out:
            self.quiet_until = monotonic() + self._limits.quiet_time
        self.rotate()
        if self._closed is not None:
            self.close(self._closed)
        if self.queue and not self.targeted:
            self.endpoint.rehome(self)
        self.want()
        self.endpoint.tidy(self)

    def answered(self, link: ReplicaLink, batch: list[Exchange], replies: Sequence[Reply]) -> None:
        """A replica answered its batch. It gets the next one first, so that it works while the answers are written."""
        now = monotonic()
        took = now - link.sent_at
        self.busy += took
        link.busy += took
        if not link.out and not link.standby:
            if self.queue:
                self._flush(link, now)
            else:
                self._idle.append(link)
        budget, line, add = self._budget, self._line, self.latency.add
        for exchange, (status, content_type, body) in zip(batch, replies, strict=True):
            if exchange.done:
                continue
            budget.used -= len(exchange.body)
            add(now - exchange.arrived)
            if status != 200:
                self.statuses[status] += 1
            if exchange.door is SLML:
                exchange.finish(status, content_type, body, line)
            else:
                answer = exchange.door.relay(status, content_type, body, exchange.headers, self.variant)
                exchange.finish(*answer)
            if exchange.recorded or status >= 400:
                self.endpoint.note(exchange, now, status, link.replica, content_type, body)

    def rotate(self) -> None:
        """Work out anew which replicas are in rotation, and give work to the idle ones."""
        serving = [link for link in self.links if link.serves]
        self.rotation = len(serving)
        self._idle = [link for link in serving if link.batch is None]
        now = monotonic()
        while self.queue and self._idle:
            self._flush(self._idle.pop(), now)

    def _flush(self, link: ReplicaLink, now: float) -> None:
        queue = self.queue
        count = min(len(queue), self._limits.batch)
        if self.rotation > 1:
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
        self.sizes[min((len(batch) - 1).bit_length(), SIZES - 1)] += 1
        link.send(batch, now)

    # ends

    def close(self, error: SlmlError) -> None:
        """The revision is gone: what waits is told so, what is with a replica is still answered."""
        self._closed = error
        while self.queue:
            self.fail(self.queue.popleft(), error)
        for link in list(self.links):
            link.finish()

    def fail(self, exchange: Exchange, error: SlmlError) -> None:
        """Answer a request that was taken with an error of the platform's."""
        self._settle(exchange)
        self.refuse(exchange, error)

    def refuse(self, exchange: Exchange, error: SlmlError) -> None:
        """Answer a request that was not taken."""
        self.failures[error.status] += 1
        exchange.fail(error)
        self.endpoint.note(exchange, monotonic(), error.status, "", b"", error.message.encode())

    def _settle(self, exchange: Exchange) -> None:
        if not exchange.done:
            exchange.done = True
            self._budget.used -= len(exchange.body)

    def _expired(self) -> Expired:
        name, timeout = self.endpoint.name, self.endpoint.route.timeout
        state = "its replicas are busy" if self.rotation else "no replica of it is ready"
        return Expired(
            f"{name!r} did not answer within {timeout:g} s: {state}.",
            field="endpoint",
            value=name,
            remedy="See what it waits for with: jupyter slml endpoints. A longer --timeout lets requests wait longer.",
        )

    def _unlucky(self, exchange: Exchange) -> Unavailable:
        name = self.endpoint.name
        return Unavailable(
            f"{exchange.tries} replicas of {name!r} died while they had this request.",
            field="endpoint",
            value=name,
            remedy="Look into the replica's last lines with: jupyter slml endpoints. The request itself may be the cause.",
            detail={"retry_after": 1},
        )

    # for the autoscaler

    @property
    def counts(self) -> Counter[int]:
        """Answers by status."""
        answered = Counter({200: self.latency.total - sum(self.statuses.values())})
        return answered + self.statuses + self.failures

    @property
    def errors(self) -> int:
        """Answers of 500 and more."""
        return sum(count for status, count in self.counts.items() if status >= 500)

    @property
    def refused(self) -> int:
        """Answers of 400 to 499."""
        return sum(count for status, count in self.counts.items() if 400 <= status < 500)

    def statistics(self) -> dict[str, Any]:
        """Counters since the gateway started, and what is there now; see `control.py`."""
        links = sorted(self.links, key=lambda link: link.replica)
        return {
            "arrivals": self.arrivals,
            "in_flight": sum(len(link.batch or ()) for link in links),
            "waiting": len(self.queue),
            "ready": self.rotation,
            "busy": self.busy,
            "batches": self.batches,
            "answered": self.latency.total,
            "errors": self.errors,
            "refused": self.refused,
            "replicas": [link.replica for link in links if link.serves],
            "working": [link.replica for link in links if link.batch is not None],
            "standby": [link.replica for link in links if link.standby],
            "held": [link.replica for link in links if link.out],
            "attached": [link.replica for link in links],
            "work": {link.replica: link.busy for link in links},
            "latency": {str(bucket): count for bucket, count in self.latency.sparse().items()},
        }

"""One endpoint: its revisions, and which of them a request goes to."""

from __future__ import annotations

from random import random
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.latencies import quantile
from jupyter_slml.errors import Busy, NotFound, SlmlError, Unavailable
from jupyter_slml.serving.gateway.doors import SLML, VARIANT
from jupyter_slml.serving.gateway.exchange import Exchange
from jupyter_slml.serving.gateway.pool import Pool
from jupyter_slml.serving.gateway.routes import EndpointRoute

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.house import House


class Endpoint:
    """A name that clients call. Each revision has a pool of replicas of its own."""

    def __init__(self, name: str, route: EndpointRoute, house: House) -> None:
        self.name = name
        self.house = house
        self.route = route
        self.pools: dict[str, Pool] = {}
        self._record = 0.0
        #: Those that get requests, with their share and what they are owed (smooth weighted round robin).
        self._shares: list[list[Any]] = []
        #: The only one, when there is no choice.
        self._only: Pool | None = None
        self._update(route)

    @property
    def max_body(self) -> int:
        return self.route.max_body or self.house.limits.body

    # requests

    def admit(self, exchange: Exchange) -> None:
        """Give a request to a revision: by its share of the traffic, or the one that the client names."""
        if self._record and random() < self._record:
            exchange.recorded = True
        pool = self._only
        if pool is None or exchange.door is not SLML:
            try:
                pool = self._choose(exchange)
            except SlmlError as error:
                exchange.fail(error)
                return
        pool.admit(exchange)

    def _choose(self, exchange: Exchange) -> Pool:
        named = exchange.headers.get(VARIANT)
        if named is not None:
            found = next((pool for pool in self.pools.values() if pool.variant.encode() == named), None)
            if found is None or found.revision not in self.route.revisions:
                raise _unknown_variant(self, named)
            return found
        if not self._shares:
            raise Unavailable(f"{self.name!r} has no revision.", field="endpoint", value=self.name)
        return self._next()

    def _next(self) -> Pool:
        """Each in its share, evenly spread: of ten requests one for a share of 10, never two in a row."""
        best = self._shares[0]
        total = 0
        for share in self._shares:
            share[2] += share[1]
            total += share[1]
            if share[2] > best[2]:
                best = share
        best[2] -= total
        pool: Pool = best[0]
        return pool

    def rehome(self, pool: Pool, error: SlmlError | None = None) -> None:
        """Requests wait for a revision that gets none any more, or that cannot live (`error`): another that gets requests
        takes them; with an error only one that has replicas. Those for which there is none stay, or fail."""
        waiting = list(pool.queue)
        pool.queue.clear()
        staying: list[Exchange] = []
        moved: dict[Pool, list[Exchange]] = {}
        others = [share[0] for share in self._shares if share[0] is not pool and (error is None or share[0].rotation)]
        for index, exchange in enumerate(waiting):
            known = pool.revision in self.route.revisions
            if VARIANT in exchange.headers:
                if not known:
                    pool.fail(exchange, _unknown_variant(self, exchange.headers[VARIANT]))
                elif error is not None:
                    pool.fail(exchange, error)
                else:
                    staying.append(exchange)
            elif others:
                moved.setdefault(others[index % len(others)], []).append(exchange)
            elif error is not None:
                pool.fail(exchange, error)
            else:
                staying.append(exchange)
        pool.queue.extend(staying)
        for other, exchanges in moved.items():
            other.adopt(exchanges)
            other.want()

    # the snapshot

    def update(self, route: EndpointRoute) -> None:
        """Take a new snapshot's word; what waits keeps waiting, for no longer than the new timeout allows."""
        if route is self.route:
            return
        if route.timeout < self.route.timeout:
            for pool in self.pools.values():
                for exchange in pool.queue:
                    exchange.deadline = min(exchange.deadline, exchange.arrived + route.timeout)
        self._update(route)

    def _update(self, route: EndpointRoute) -> None:
        self.route = route
        self._record = route.record
        for revision, found in route.revisions.items():
            known = self.pools.get(revision)
            if known is None:
                self.pools[revision] = Pool(self, revision, found)
            elif known.route != found:
                known.reroute(found)
                self.house.rerouted(known)
        weights = route.weights
        self._shares = [[self.pools[revision], weight, 0] for revision, weight in weights.items()]
        self._only = self._shares[0][0] if len(self._shares) == 1 else None
        for revision, pool in list(self.pools.items()):
            pool.targeted = revision in weights
            if not pool.targeted and pool.queue:
                self.rehome(pool)
            self.tidy(pool)
        for pool in self.pools.values():
            pool.want()

    def tidy(self, pool: Pool) -> None:
        """Forget a revision that the snapshot does not have and that has nothing left."""
        if pool.revision not in self.route.revisions and not pool.links and not pool.queue:
            self.pools.pop(pool.revision, None)

    def close(self) -> None:
        """The endpoint is gone: what waits is told so, what is with a replica is still answered."""
        self.route = self.route.model_copy(update={"revisions": {}, "traffic": {}})
        self._shares, self._only = [], None
        for pool in list(self.pools.values()):
            pool.targeted = False
            pool.close(unknown_endpoint(self.name))

    # for people

    def note(self, exchange: Exchange, now: float, status: int, replica: str, content_type: bytes, answer: bytes) -> None:
        """Put a request into the request log: with what it said when it is recorded, else that it failed."""
        self.house.requests.note(self, exchange, now, status, replica, content_type, answer)

    def full(self, pool: Pool) -> Busy:
        return Busy(
            f"{len(pool.queue)} requests wait for {self.name!r}, which is as many as may wait.",
            field="endpoint",
            value=self.name,
            remedy="Try again after the time in Retry-After, or deploy with a larger --max-queue.",
            detail={"retry_after": 1, "ready": pool.rotation > 0},
        )

    @property
    def used(self) -> bool:
        """Whether it ever got a request from here, or has a replica."""
        return any(pool.arrivals or pool.links for pool in self.pools.values())

    def state(self) -> dict[str, Any]:
        """What a client may know of it."""
        targeted = [pool for pool in self.pools.values() if pool.targeted]
        return {
            "name": self.name,
            "ready": any(pool.rotation for pool in targeted),
            "serving": self.route.serving,
            "replicas": sum(pool.rotation for pool in targeted),
            "queued": sum(len(pool.queue) for pool in self.pools.values()),
            "variants": [
                {
                    "variant": pool.variant,
                    "model": pool.route.model,
                    "version": pool.route.version,
                    "weight": self.route.weights.get(pool.revision, 0),
                    "replicas": pool.rotation,
                }
                for pool in self.pools.values()
                if pool.revision in self.route.revisions
            ],
        }

    def statistics(self) -> dict[str, Any]:
        """Sums over the revisions, and each of them; see `control.py`."""
        pools = list(self.pools.values())
        counts: dict[int, int] = {}
        for pool in pools:
            for bucket, count in pool.latency.sparse().items():
                counts[bucket] = counts.get(bucket, 0) + count
        return {
            "requests": sum(pool.arrivals for pool in pools),
            "errors": sum(pool.errors for pool in pools),
            "refused": sum(pool.refused for pool in pools),
            "batches": sum(pool.batches for pool in pools),
            "queued": sum(len(pool.queue) for pool in pools),
            "replicas": sorted(link.replica for pool in pools if pool.targeted for link in pool.links if link.serves),
            "attached": sorted(link.replica for pool in pools for link in pool.links),
            "latency": {"p50": quantile(counts, 0.5), "p99": quantile(counts, 0.99)},
            "revisions": {pool.revision: pool.statistics() for pool in pools},
        }


def _unknown_variant(endpoint: Endpoint, named: bytes) -> NotFound:
    known = [pool.variant for pool in endpoint.pools.values() if pool.revision in endpoint.route.revisions]
    return NotFound(
        f"{endpoint.name!r} has no variant {named.decode('latin-1')[:63]!r}.",
        field="X-Amzn-SageMaker-Target-Variant",
        value=named.decode("latin-1"),
        remedy=f"Its variants: {', '.join(known)}." if known else None,
    )


def unknown_endpoint(name: str) -> NotFound:
    return NotFound(
        f"There is no endpoint {name[:80]!r}.",
        field="endpoint",
        value=name,
        remedy="List them with %endpoints or: jupyter slml endpoints. Make one with: %deploy MODEL",
    )

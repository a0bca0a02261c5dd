"""The daemon's side of the gateways, which share one port: keep them alive, tell them what changed, read what they count."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from jupyter_slml.control.keeper import Keeper
from jupyter_slml.domain.views import GatewayStatus
from jupyter_slml.errors import Unavailable
from jupyter_slml.settings import Settings, Workspace, read_json, write_private


class Gateway:
    """The gateways of one workspace, as one."""

    def __init__(self, workspace: Workspace, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._routes = workspace.gateway_dir / "routes.json"
        port = settings.gateway_port or _kept_port(workspace) or _free_port(settings.gateway_host)
        self._keepers = [Keeper(workspace, number, port) for number in range(settings.gateways)]
        #: Where a replica must connect to be reached by all of them.
        self.sockets = [str(path) for path in workspace.gateway_sockets(settings.gateways)]
        scheme = "http" if settings.gateway_certificate is None else "https"
        self._url = f"{scheme}://{settings.gateway_reached}:{port}"

    def url(self, endpoint: str | None = None) -> str:
        """Where clients call: of one endpoint, or of the gateway."""
        return self._url if endpoint is None else f"{self._url}/endpoints/{quote(endpoint)}/invocations"

    def status(self) -> GatewayStatus:
        pids = [keeper.pid() for keeper in self._keepers]
        pid = next((pid for pid in pids if pid), None)
        return GatewayStatus(url=self.url(), alive=None not in pids, pid=pid, problem=self.problem)

    @property
    def problem(self) -> str | None:
        """Why a gateway could not start, in its own words."""
        return next((keeper.problem for keeper in self._keepers if keeper.problem), None)

    async def route(self, snapshot: str) -> None:
        """Write the snapshot and have it read; starts the gateways when they do not run. Raises Unavailable."""
        await asyncio.to_thread(write_private, self._routes, snapshot)
        await self.ensure()
        await asyncio.gather(*(keeper.ask({"op": "reload"}) for keeper in self._keepers))

    async def drop(self, replica: str) -> None:
        """Take a replica out of rotation; returns when its answers are out. A gateway that is down has nothing to drop."""
        await self._tell({"op": "drop", "replica": replica})

    async def hold(self, replica: str, seconds: float) -> None:
        """The same for so many seconds, unless it is said again; returns when its answers are out."""
        await self._tell({"op": "hold", "replica": replica, "seconds": seconds})

    async def release(self, replica: str) -> None:
        """Put a replica that was held back into rotation again."""
        await self._tell({"op": "release", "replica": replica})

    async def rotate(self, replica: str) -> None:
        """Put a standby into rotation. A gateway that is down hears it from the replica itself, once that has answered."""
        await self._tell({"op": "rotate", "replica": replica})

    async def taken(self, replicas: list[str]) -> None:
        """Say that the records have these replicas, which the gateways have woken or found hanging."""
        await self._tell({"op": "taken", "replicas": replicas})

    async def stats(self, endpoint: str) -> dict[str, Any]:
        """What all gateways count of an endpoint, added up; see `readings`."""
        return merged(await self.readings({"endpoint": endpoint}))

    async def readings(self, only: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """What each gateway counts (`serving/gateway/control.py` has the shape, and what it may be asked `only` for); those
        that do not answer are left out.

        Raises Unavailable when none answers.
        """
        asked = {"op": "stats", **(only or {})}
        found = await asyncio.gather(*(keeper.ask(asked) for keeper in self._keepers), return_exceptions=True)
        said = [item for item in found if not isinstance(item, BaseException)]
        if not said:
            raise next(item for item in found if isinstance(item, BaseException))
        return said

    @property
    def numbers(self) -> range:
        """The gateways, by number."""
        return range(len(self._keepers))

    async def news(self, number: int) -> None:
        """Return when a gateway has woken a replica or has found one that hangs, however long that takes. Raises
        Unavailable when it does not answer."""
        await self._keepers[number].ask({"op": "news"}, patience=None)

    async def ensure(self) -> None:
        """Make sure that all run, and watch them from now on. Raises Unavailable when one does not come up."""
        await asyncio.gather(*(keeper.ensure() for keeper in self._keepers))

    async def close(self) -> None:
        """Stop watching; the gateways go on."""
        await asyncio.gather(*(keeper.close() for keeper in self._keepers))

    async def shut_down(self) -> None:
        """End the gateways."""
        await asyncio.gather(*(keeper.shut_down() for keeper in self._keepers))

    async def _tell(self, message: dict[str, Any]) -> None:
        async def tell(keeper: Keeper) -> None:
            with contextlib.suppress(Unavailable):
                await keeper.ask(message)

        await asyncio.gather(*(tell(keeper) for keeper in self._keepers))


#: What each gateway counts for itself; replicas are connected to all of them.
_COUNTED = ("arrivals", "in_flight", "waiting", "busy", "batches", "answered", "errors", "refused")
_NAMED = ("replicas", "working", "standby", "held", "attached")


def merged(said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answers of several gateways as one of the same shape, by endpoint and revision."""
    endpoints: dict[str, dict[str, Any]] = {}
    for answer in said:
        for name, endpoint in answer["endpoints"].items():
            revisions = endpoints.setdefault(name, {"revisions": {}})["revisions"]
            for revision, counts in endpoint["revisions"].items():
                known = revisions.get(revision)
                revisions[revision] = counts if known is None else _sum(known, counts)
    return {
        "started_at": min(answer["started_at"] for answer in said),
        "woken": [item for answer in said for item in answer["woken"]],
        "hung": [item for answer in said for item in answer["hung"]],
        "endpoints": endpoints,
    }


def _sum(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: first[name] + second[name] for name in _COUNTED}
    found |= {name: sorted({*first[name], *second[name]}) for name in _NAMED}
    found["ready"] = max(first["ready"], second["ready"])
    found["work"] = dict(Counter(first["work"]) + Counter(second["work"]))
    found["latency"] = dict(Counter(first["latency"]) + Counter(second["latency"]))
    return found


def _kept_port(workspace: Workspace) -> int | None:
    port = (read_json(workspace.gateway_file()) or {}).get("port")
    return port if isinstance(port, int) else None


def _free_port(host: str) -> int:
    """A port that nobody listens on now. The gateway takes it a moment later and keeps it for good."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])

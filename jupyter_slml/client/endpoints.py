"""Verbs of endpoints: the control side through the daemon, predictions straight to the gateway."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import quote

from jupyter_slml.client.gateway import Gateway
from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.loads import EndpointLoad
from jupyter_slml.domain.specs import DeploySpec, ScaleSpec, TakeBackSpec, TrafficSpec
from jupyter_slml.domain.states import EndpointState
from jupyter_slml.domain.traffic import check_shares
from jupyter_slml.domain.views import DecisionList, EndpointList, EndpointView, RevisionList
from jupyter_slml.errors import Conflict, DeployFailed, Unavailable

#: Seconds for which a gateway may have a problem: it may be an old one, and it starts again.
PATIENCE = 2.0


class Endpoints:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._gateway = Gateway(transport.workspace)

    def list(self) -> EndpointList:
        return self._transport.record(EndpointList, "GET", "/endpoints")

    def get(self, name: str) -> EndpointView:
        """Raises NotFound."""
        return self._transport.record(EndpointView, "GET", _path(name))

    def deploy(self, spec: DeploySpec, *, wait: float = 0.0) -> EndpointView:
        """Serve a model. With `wait`, return when the new revision answers, at most so many seconds later.

        Raises NotFound, Invalid, Conflict (also when another deployment overtakes it); DeployFailed with the loading error
        when the model cannot be loaded, and Unavailable when it is not ready in time.
        """
        view = self._transport.record(EndpointView, "PUT", "/endpoints", json=spec.model_dump(mode="json"))
        return self._settled(view, wait) if wait else view

    def remove(self, name: str) -> EndpointView:
        """Take it down. Raises NotFound."""
        return self._transport.record(EndpointView, "DELETE", _path(name))

    def load(self, name: str) -> EndpointLoad:
        """What it does now, its cold starts, its cost so far. Raises NotFound."""
        return self._transport.record(EndpointLoad, "GET", f"{_path(name)}/load")

    def share(self, name: str, weights: Mapping[str, int]) -> EndpointView:
        """Share the traffic anew: percents by revision number or `name@version`. Raises NotFound, Invalid, Conflict."""
        check_shares(weights)
        spec = TrafficSpec.parse({"weights": dict(weights)})
        return self._transport.record(EndpointView, "PUT", f"{_path(name)}/traffic", json=spec.model_dump(mode="json"))

    def rollback(self, name: str) -> EndpointView:
        """Bring back the shares from before the last change. Raises NotFound, Conflict."""
        # It names what is taken back: a request that is sent again takes back nothing more.
        now = self.get(name)
        spec = TakeBackSpec(revision=now.revision, traffic=now.traffic)
        return self._transport.record(EndpointView, "POST", f"{_path(name)}/rollback", json=spec.model_dump(mode="json"))

    def scale(self, name: str, min_replicas: int | None = None, max_replicas: int | None = None) -> EndpointView:
        """Set the bounds of the number of replicas, until the next deployment. Raises NotFound, Invalid, Conflict."""
        spec = ScaleSpec.parse({"min_replicas": min_replicas, "max_replicas": max_replicas})
        return self._transport.record(EndpointView, "PUT", f"{_path(name)}/scale", json=spec.model_dump(mode="json"))

    def wake(self, name: str) -> EndpointView:
        """Have a replica although nobody calls yet. Raises NotFound, Conflict."""
        return self._transport.record(EndpointView, "POST", f"{_path(name)}/wake")

    def revisions(self, name: str, limit: int = 20) -> RevisionList:
        """What it was given to serve, newest first. Raises NotFound."""
        return self._transport.record(RevisionList, "GET", f"{_path(name)}/revisions", params={"limit": limit})

    def decisions(self, name: str, limit: int = 20) -> DecisionList:
        """What the autoscaler decided, newest first. Raises NotFound."""
        path = f"{_path(name)}/decisions"
        return self._transport.record(DecisionList, "GET", path, params={"limit": limit})

    def invoke(
        self, name: str, body: bytes, content_type: str, *, timeout: float = 120.0, token: str | None = None
    ) -> tuple[str, bytes]:
        """One request to the endpoint, with the workspace's token or this one; returns (content type, body) of the answer.

        Raises the gateway's own error, rebuilt: Invalid for a body that the model cannot take, NotFound, Unavailable,
        Unauthorized, Forbidden.
        """
        answer = self._gateway.post(
            f"{_path(name)}/invocations",
            body,
            {"Content-Type": content_type},
            timeout=timeout,
            token=token,
            revive=self._revive,
        )
        return answer.headers.get("Content-Type", ""), answer.content

    def _settled(self, view: EndpointView, seconds: float) -> EndpointView:
        deadline = time.monotonic() + seconds
        well = time.monotonic()
        wanted = view.revision
        position = self._transport.request("GET", "/events", params={"after": -1}).json()["last"]
        while True:
            view = self.get(view.name)
            if wanted in view.traffic:
                return view
            if view.revision != wanted:
                raise Conflict(
                    f"Endpoint {view.name!r} was given something else to serve before this revision had loaded.",
                    field="endpoint",
                    value=view.name,
                    remedy="See what it serves with `%endpoints`; deploy again if you still want this one.",
                )
            if view.error is not None:
                asked = next(item for item in view.revisions if item.id == wanted)
                trace = view.error.get("traceback")
                raise DeployFailed(
                    f"Endpoint {view.name!r} could not load {asked.model}@{asked.version}: {view.error.get('evalue')}",
                    remedy="The loading error is above."
                    if view.state is EndpointState.FAILED
                    else "The old revision goes on answering.",
                    detail={"traceback": trace, "error": view.error},
                )
            problem = self._gateway_problem()
            if problem is None:
                well = time.monotonic()
            elif time.monotonic() - well > PATIENCE:
                raise Unavailable(
                    f"Endpoint {view.name!r} cannot answer, for the gateway does not start: {problem}",
                    remedy="The endpoint waits for it; `jupyter slml status` shows how it stands.",
                )
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unavailable(
                    f"Endpoint {view.name!r} was not ready within {seconds:.0f} s ({view.state.value}: {view.reason}).",
                    remedy="It goes on starting; look again with `%endpoints`.",
                )
            position = self._next_event(position, min(left, 2.0))

    def _next_event(self, position: int, timeout: float) -> int:
        """Return when the log has grown past `position` (or after `timeout`): its new position."""
        import httpx

        headers = {"Accept": "text/event-stream"}
        limits = httpx.Timeout(10.0, read=timeout)
        try:
            with self._transport.stream("/events", params={"after": position}, headers=headers, timeout=limits) as answer:
                for line in answer.iter_lines():
                    if line.startswith("id: "):
                        return int(line[4:])
        except Unavailable:
            pass
        return position

    def _gateway_problem(self) -> str | None:
        found: str | None = self._transport.request("GET", "/status").json()["gateway"].get("problem")
        return found

    def _revive(self, seconds: float = 10.0) -> None:
        """Whoever finds the gateway dead has it started again: the daemon does so when it is asked to look."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._transport.request("GET", "/status").json()["gateway"]["alive"]:
                return
            time.sleep(0.05)


def _path(name: str) -> str:
    return f"/endpoints/{quote(name, safe='')}"

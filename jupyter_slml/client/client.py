"""The client: one object with the verbs of the API."""

from __future__ import annotations

import os
from collections.abc import Iterator

from jupyter_slml.client.blobs import Blobs
from jupyter_slml.client.consoles import Consoles
from jupyter_slml.client.endpoints import Endpoints
from jupyter_slml.client.jobs import Jobs
from jupyter_slml.client.models import Models
from jupyter_slml.client.tokens import Tokens
from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.instances import InstanceType
from jupyter_slml.domain.records import Event
from jupyter_slml.domain.views import Collect, Collected, InstanceList, Status
from jupyter_slml.settings import Settings, Workspace, workspace


class Client:
    """Talks to the daemon of one workspace. Thread-safe; one per process is enough."""

    def __init__(self, place: Workspace, *, start: bool = True) -> None:
        self._transport = Transport(place, start=start)
        self.workspace = place
        self.jobs = Jobs(self._transport)
        self.models = Models(self._transport)
        self.endpoints = Endpoints(self._transport)
        self.consoles = Consoles(self._transport)
        self.tokens = Tokens(self._transport)
        self.blobs = Blobs(self._transport)

    def status(self) -> Status:
        return self._transport.record(Status, "GET", "/status")

    def instances(self) -> list[InstanceType]:
        """The instance types that jobs and replicas may ask for."""
        return self._transport.record(InstanceList, "GET", "/instances").instances

    def collect(self, wanted: Collect) -> Collected:
        """Delete old jobs and the bytes that nothing refers to."""
        return self._transport.record(Collected, "POST", "/gc", json=wanted.model_dump(mode="json"), timeout=600.0)

    def settings(self) -> Settings:
        return self._transport.record(Settings, "GET", "/settings")

    def events(self, after: int = -1) -> Iterator[Event]:
        """The events after a position, for ever, as they are committed; -1 means from now on.

        Raises Unavailable when the connection breaks: call it again with the last event's id, nothing is lost or repeated.
        """
        import httpx

        # Heartbeats come every 15 s: silence for longer means that the daemon is gone.
        limits = httpx.Timeout(10.0, read=45.0)
        headers = {"Accept": "text/event-stream"}
        with self._transport.stream("/events", params={"after": after}, headers=headers, timeout=limits) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield Event.model_validate_json(line[6:])

    def close(self) -> None:
        self._transport.close()


def connect(home: str | os.PathLike[str] | None = None, *, start: bool = True) -> Client:
    """A client of the workspace of `home` (by default of `SLML_HOME`, else the user's own).

    With `start`, the daemon is started at the first request when none runs. Nothing happens before that.
    """
    return Client(workspace(home), start=start)

"""Requests to the daemon over its unix socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from jupyter_slml.client.start import ensure_daemon
from jupyter_slml.errors import SlmlError, Unavailable, from_wire
from jupyter_slml.settings import Workspace

if TYPE_CHECKING:
    import httpx

R = TypeVar("R", bound=BaseModel)

#: Seconds without a byte after which a request has failed; waits and streams set their own.
TIMEOUT = 60.0


class Transport:
    """Sends requests, starting the daemon first (with `start`) and again when it has died in between. Thread-safe."""

    def __init__(self, place: Workspace, *, start: bool) -> None:
        self.workspace = place
        self._start = start
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def request(self, method: str, path: str, *, timeout: float = TIMEOUT, **options: Any) -> httpx.Response:
        """The answer. Raises the daemon's own error, rebuilt, or Unavailable when nobody answers."""
        import httpx

        for last in (False, True):
            try:
                response = self._client().request(method, path, timeout=timeout, **options)
                break
            except (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
                # The daemon went away, perhaps after it had acted. Sending again is safe: every request of ours is
                # idempotent, by key, by digest or by nature.
                if last or not self._start:
                    raise self._unavailable() from error
                self.close()
            except httpx.TransportError as error:
                raise Unavailable(f"The daemon did not answer {method} {path}: {error}.") from error
        if response.is_error:
            raise _rebuilt(response)
        return response

    def record(self, kind: type[R], method: str, path: str, **options: Any) -> R:
        """The answer as a record."""
        return kind.model_validate_json(self.request(method, path, **options).content)

    @contextmanager
    def stream(self, path: str, **options: Any) -> Iterator[httpx.Response]:
        """An open answer, read piece by piece by the caller."""
        import httpx

        try:
            with self._client().stream("GET", path, **options) as response:
                if response.is_error:
                    response.read()
                    raise _rebuilt(response)
                yield response
        except httpx.TransportError as error:
            raise self._unavailable() from error

    def close(self) -> None:
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._http is None:
                socket = ensure_daemon(self.workspace) if self._start else self.workspace.daemon_socket
                self._http = httpx.Client(
                    transport=httpx.HTTPTransport(uds=str(socket), limits=httpx.Limits(max_connections=64)),
                    base_url="http://slml",
                )
            return self._http

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            f"No daemon answers for the workspace {self.workspace.home}.",
            remedy="Start it with `jupyter slml start`; `jupyter slml doctor` looks for the cause.",
        )


def _rebuilt(response: httpx.Response) -> SlmlError:
    try:
        return from_wire(response.json())
    except ValueError:
        return SlmlError(f"The daemon answered {response.status_code}: {response.text[:200]}")

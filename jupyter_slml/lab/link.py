"""The way from the Jupyter server to the workspace: the daemon's socket and the gateway's port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx

from jupyter_slml.errors import SlmlError, Unavailable
from jupyter_slml.lab.gateway import Gateway
from jupyter_slml.settings import Workspace

#: Each open event stream holds a connection; httpx stops at 100 by default.
_LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=20)
#: `wait` answers after up to 30 seconds.
_TIMEOUT = httpx.Timeout(10.0, read=60.0)
#: So long a gateway may take to listen after it was started.
_GATEWAY_SECONDS = 15.0
_STREAM_TIMEOUT = httpx.Timeout(10.0, read=None)

NOT_RUNNING = "The workspace is not running."


class Link:
    """Speaks to the daemon and the gateway of one workspace.

    Headers are written here and never copied from the browser's request, so nothing of the user's Jupyter session can
    leave this process.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._daemon = self._open(str(workspace.daemon_socket))
        self._gateway = Gateway(workspace)
        self._starting = asyncio.Lock()

    @staticmethod
    def _open(socket: str) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(uds=socket, limits=_LIMITS)
        return httpx.AsyncClient(transport=transport, base_url="http://slml", timeout=_TIMEOUT)

    async def close(self) -> None:
        await self._daemon.aclose()
        await self._gateway.close()

    async def start(self) -> None:
        """Start the daemon unless it runs. Raises the starter's own error, with its remedy."""
        from jupyter_slml.client.start import ensure_daemon

        async with self._starting:
            socket = await asyncio.to_thread(ensure_daemon, self.workspace)
            if str(socket) != str(self.workspace.daemon_socket):
                await self._daemon.aclose()
                self._daemon = self._open(str(socket))

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One exchange with the daemon, whatever its status. Raises Unavailable when there is no daemon."""
        sent = {"Content-Type": "application/json"} if content else {}
        try:
            return await self._daemon.request(
                method, path, params=dict(params or {}), content=content, headers={**sent, **(headers or {})}
            )
        except httpx.TransportError as error:
            raise _absent(error) from error

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An answer of the daemon that is read as it comes. Raises Unavailable when there is no daemon."""
        request = self._daemon.build_request(
            "GET",
            path,
            params=dict(params),
            headers={"Accept": "text/event-stream", **headers},
            timeout=_STREAM_TIMEOUT,
        )
        try:
            response = await self._daemon.send(request, stream=True)
        except httpx.TransportError as error:
            raise _absent(error) from error
        try:
            yield response
        finally:
            await response.aclose()

    async def ask(
        self, method: str, name: str, page: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A page of an endpoint (`invocations`, …) from the gateway, which keeps answering while the daemon is down. Whoever
        finds the gateway dead has it started again: the daemon looks after it when it is asked for its status."""
        path = f"/endpoints/{quote(name, safe='')}"
        deadline = time.monotonic() + _GATEWAY_SECONDS
        while True:
            try:
                found = await self._gateway.request(method, f"{path}/{page}", content=content, headers=headers or {})
                if found is not None:
                    return found
                # The first deploy starts the gateway. What the daemon does not know either is its error to tell.
                known = await self.request("GET", path)
                if known.is_error:
                    return known
            except httpx.ConnectError:
                await self.start()
                await self.request("GET", "/status")
            except httpx.TransportError as error:
                raise Unavailable(f"The endpoint did not answer: {error}.", field="endpoint", value=name) from error
            if time.monotonic() > deadline:
                raise Unavailable(
                    "The gateway does not answer.",
                    field="endpoint",
                    value=name,
                    remedy="`jupyter slml doctor` looks for the cause.",
                )
            await asyncio.sleep(0.05)


def _absent(error: httpx.TransportError) -> SlmlError:
    if isinstance(error, httpx.TimeoutException):
        return Unavailable(
            "The workspace did not answer in time.", remedy="Try again; `jupyter slml doctor` says what holds it up."
        )
    return Unavailable(NOT_RUNNING, remedy="It starts with the first job, or by `jupyter slml start`.")

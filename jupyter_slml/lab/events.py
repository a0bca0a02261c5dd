"""`slml/events`: the workspace's event log, live, resumable by `Last-Event-ID`."""

from __future__ import annotations

import asyncio
import contextlib

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.errors import Unavailable
from jupyter_slml.lab.streaming import StreamHandler

#: How often a waiting stream looks whether a daemon has come up, and tells the browser that it still waits.
LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0

RUNNING = 'event: workspace\ndata: {"running": true}\n\n'
NOT_RUNNING = 'event: workspace\ndata: {"running": false}\n\n'


class EventsHandler(StreamHandler):
    """Opening the stream starts no daemon: it says that none runs, waits until somebody starts one, and goes on.

    The events `workspace` are ours; all others are the daemon's, with its ids.
    """

    auth_resource = "slml:events"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.begin()
        said = False
        while not self.gone.is_set():
            try:
                headers = await self._position()
                query = {} if headers else {"after": self.get_query_argument("after", "-1")}
                async with self.link.stream("/events", query, headers) as response:
                    if response.status_code == 200:
                        await self.emit(RUNNING)
                        await self.pump(response)
                    # Its end, or an error of it: the browser reconnects with the last id it has seen.
                    return
            except Unavailable:
                if not said:
                    await self.emit(NOT_RUNNING)
                    said = True
                await self._wait_for_a_daemon()

    async def _position(self) -> dict[str, str]:
        """Where to resume. An id from before a `stop --purge` lies in the future of the new log: it would wait for ever."""
        headers = self.resume_headers()
        if not headers:
            return {}
        newest = await self.link.request("GET", "/events", params={"after": "-1"})
        known = newest.status_code == 200 and int(headers["Last-Event-ID"]) <= newest.json()["last"]
        return headers if known else {}

    async def _wait_for_a_daemon(self) -> None:
        loop = asyncio.get_running_loop()
        beat = loop.time() + HEARTBEAT_SECONDS
        while not self.gone.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), LOOK_SECONDS)
            if self.link.workspace.daemon_socket.exists():
                return
            if loop.time() > beat:
                await self.emit(": waiting\n\n")
                beat = loop.time() + HEARTBEAT_SECONDS


ROUTES = [(r"/slml/events", EventsHandler)]

"""`slml/status` and `slml/start`: is the workspace running, and run it."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.lab.handler import SlmlHandler


class StatusHandler(SlmlHandler):
    auth_resource = "slml:status"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.forward("GET", "/status")


class StartHandler(SlmlHandler):
    """Reading starts nothing: only this does, when somebody opens the panel."""

    auth_resource = "slml:status"

    @web.authenticated
    @authorized
    async def post(self) -> None:
        await self.link.start()
        self.answer(await self.link.request("GET", "/status"))


ROUTES = [(r"/slml/status", StatusHandler), (r"/slml/start", StartHandler)]

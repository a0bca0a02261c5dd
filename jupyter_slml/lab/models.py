"""`slml/models`: the registry, to be read."""

from __future__ import annotations

from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.lab.handler import SEGMENT, SlmlHandler


class ModelsHandler(SlmlHandler):
    auth_resource = "slml:models"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.forward("GET", "/models")


class ModelHandler(SlmlHandler):
    auth_resource = "slml:models"

    @web.authenticated
    @authorized
    async def get(self, name: str, number: str | None = None) -> None:
        path = f"/models/{quote(name, safe='')}"
        await self.forward("GET", f"{path}/versions/{number}" if number else path)


ROUTES = [
    (r"/slml/models", ModelsHandler),
    (rf"/slml/models/{SEGMENT}", ModelHandler),
    (rf"/slml/models/{SEGMENT}/versions/(\d+)", ModelHandler),
]

"""`slml/endpoints`: the list, deploy, remove, and the browser's way to a prediction."""

from __future__ import annotations

from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.lab.handler import SEGMENT, SlmlHandler


class EndpointsHandler(SlmlHandler):
    auth_resource = "slml:endpoints"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.forward("GET", "/endpoints")

    @web.authenticated
    @authorized
    async def put(self) -> None:
        await self.forward("PUT", "/endpoints")


class EndpointHandler(SlmlHandler):
    auth_resource = "slml:endpoints"

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.forward("GET", f"/endpoints/{quote(name, safe='')}")

    @web.authenticated
    @authorized
    async def delete(self, name: str) -> None:
        await self.forward("DELETE", f"/endpoints/{quote(name, safe='')}")


class LoadHandler(SlmlHandler):
    auth_resource = "slml:endpoints"

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.forward("GET", f"/endpoints/{quote(name, safe='')}/load")


class InvocationsHandler(SlmlHandler):
    """Adds the gateway's own token, which the browser never sees."""

    auth_resource = "slml:endpoints"

    def check_content_type(self) -> None:  # CSV is as good as JSON here
        pass

    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        sent = self.request.headers
        headers = {
            "Content-Type": sent.get("Content-Type", "application/json"),
            "Accept": sent.get("Accept", "application/json"),
        }
        self.answer(await self.link.ask("POST", name, "invocations", content=self.request.body, headers=headers))


class PageHandler(SlmlHandler):
    """The endpoint's OpenAPI description, and the gateway's own page on which to try it."""

    auth_resource = "slml:endpoints"

    @web.authenticated
    @authorized
    async def get(self, name: str, page: str) -> None:
        self.answer(await self.link.ask("GET", name, page))


ROUTES = [
    (r"/slml/endpoints", EndpointsHandler),
    (rf"/slml/endpoints/{SEGMENT}", EndpointHandler),
    (rf"/slml/endpoints/{SEGMENT}/load", LoadHandler),
    (rf"/slml/endpoints/{SEGMENT}/invocations", InvocationsHandler),
    (rf"/slml/endpoints/{SEGMENT}/(openapi\.json|try)", PageHandler),
]

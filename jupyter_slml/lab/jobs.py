"""`slml/jobs`: the list, one job with what belongs to it, and Stop."""

from __future__ import annotations

from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.lab.handler import SEGMENT, SlmlHandler
from jupyter_slml.lab.streaming import StreamHandler


class JobsHandler(SlmlHandler):
    auth_resource = "slml:jobs"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.forward("GET", "/jobs", query=self.query("state", "name", "text", "limit", "before"))


class JobHandler(SlmlHandler):
    auth_resource = "slml:jobs"

    @web.authenticated
    @authorized
    async def get(self, job: str, part: str | None = None) -> None:
        path = f"/jobs/{quote(job, safe='')}"
        await self.forward("GET", f"{path}/{part}" if part else path)


class StopHandler(SlmlHandler):
    auth_resource = "slml:jobs"

    @web.authenticated
    @authorized
    async def post(self, job: str) -> None:
        self.answer(await self.link.request("POST", f"/jobs/{quote(job, safe='')}/stop"))


class LogsHandler(StreamHandler):
    """A page of the log as JSON, or the log as it grows when an event stream is asked for."""

    auth_resource = "slml:jobs"

    @web.authenticated
    @authorized
    async def get(self, job: str) -> None:
        path = f"/jobs/{quote(job, safe='')}/logs"
        query = self.query("after", "limit", "tail")
        if "text/event-stream" in self.request.headers.get("Accept", ""):
            await self.pass_stream(path, query)
        else:
            await self.forward("GET", path, query=query)


ROUTES = [
    (r"/slml/jobs", JobsHandler),
    (rf"/slml/jobs/{SEGMENT}", JobHandler),
    (rf"/slml/jobs/{SEGMENT}/(attempts|metrics|displays|trials|search)", JobHandler),
    (rf"/slml/jobs/{SEGMENT}/stop", StopHandler),
    (rf"/slml/jobs/{SEGMENT}/logs", LogsHandler),
]

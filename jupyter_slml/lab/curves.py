"""`slml/jobs/ID/curves`: a job's metrics as curves that a page can draw."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_slml.domain.curves import Curve, curves
from jupyter_slml.lab.handler import SEGMENT, SlmlHandler


class CurvesHandler(SlmlHandler):
    """A job may log a million points: they are thinned out here, beside the event loop, and not in the browser."""

    auth_resource = "slml:jobs"

    @web.authenticated
    @authorized
    async def get(self, job: str) -> None:
        response = await self.link.request("GET", f"/jobs/{quote(job, safe='')}/metrics")
        if response.is_error:
            self.answer(response)
            return
        self.finish({"curves": await asyncio.to_thread(_drawn, response.content)})


def _drawn(content: bytes) -> dict[str, Curve]:
    return curves(json.loads(content)["points"])


ROUTES = [(rf"/slml/jobs/{SEGMENT}/curves", CurvesHandler)]

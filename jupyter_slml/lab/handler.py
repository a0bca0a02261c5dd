"""What all our handlers have in common: errors in one shape, and answers passed through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_slml.errors import Forbidden, Invalid, NotFound, SlmlError
from jupyter_slml.lab.link import Link

#: A record's id or name in a path: one segment, percent-encoded.
SEGMENT = r"([^/]+)"


class SlmlHandler(APIHandler):
    """Subclasses set `auth_resource` and carry `@web.authenticated` and `@authorized` on each verb."""

    # An open panel must not keep an idle server alive.
    _track_activity = False

    @property
    def link(self) -> Link:
        link: Link = self.settings["slml_link"]
        return link

    def query(self, *names: str) -> dict[str, str]:
        """The named query arguments. Others are dropped, such as JupyterLab's nameless cache-buster and `token`."""
        return {name: value for name in names if (value := self.get_query_argument(name, None)) is not None}

    async def forward(self, method: str, path: str, *, query: Mapping[str, str] | None = None) -> None:
        """The daemon's answer to this request, its errors included."""
        content = self.request.body if method in ("POST", "PUT") and self.request.body else None
        self.answer(await self.link.request(method, path, params=query, content=content))

    def answer(self, response: httpx.Response) -> None:
        self.set_status(response.status_code)
        # Only what describes the body; cookies and the like stay on the other side.
        for name in ("Content-Security-Policy", "Retry-After", "X-Slml-Format"):
            if name in response.headers:
                self.set_header(name, response.headers[name])
        self.finish(response.content, set_content_type=response.headers.get("Content-Type", "application/json"))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every failure in the shape of `SlmlError.to_wire`, also those that Jupyter raises."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, SlmlError):
            error = _translated(status_code, error)
        else:
            status_code = error.status
        self.set_status(status_code)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(error.to_wire()))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Our own errors are answers, not incidents."""
        if not isinstance(value, SlmlError):
            super().log_exception(typ, value, tb)


def _translated(status_code: int, error: BaseException | None) -> SlmlError:
    said = error.log_message if isinstance(error, web.HTTPError) else None
    if status_code == 403:
        text = said or "The Jupyter server does not allow this request."
        return Forbidden(text, remedy="Reload the page, and log in again if Jupyter asks for it.")
    if status_code == 404:
        return NotFound(said)
    if status_code < 500:
        return Invalid(said)
    return SlmlError(said or "The Jupyter server extension failed.", remedy="The Jupyter server's log has the details.")

"""Server-sent events of the daemon, passed on to a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from tornado.iostream import StreamClosedError

from jupyter_slml.lab.handler import SlmlHandler


class StreamHandler(SlmlHandler):
    """Passes a stream through chunk by chunk and lets go of the daemon as soon as the browser is gone."""

    def prepare(self) -> object:  # type: ignore[override]
        self.gone = asyncio.Event()
        return super().prepare()

    def on_connection_close(self) -> None:
        self.gone.set()
        super().on_connection_close()

    def check_etag_header(self) -> bool:
        return False

    async def begin(self) -> None:
        """The head of an event stream, sent before the first event so that the browser knows it is connected."""
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache, no-transform")
        # nginx and its like would hold small chunks back.
        self.set_header("X-Accel-Buffering", "no")
        await self.emit(": connected\n\n")

    async def emit(self, text: str | bytes) -> None:
        """Write now. A browser that has left sets `gone` instead of raising."""
        if self.gone.is_set():
            return
        try:
            self.write(text)
            await self.flush()
        except StreamClosedError:
            self.gone.set()

    def resume_headers(self) -> dict[str, str]:
        """The one header of the browser that the daemon needs: where a reconnecting reader stopped."""
        last = self.request.headers.get("Last-Event-ID", "")
        return {"Last-Event-ID": last} if last.isdigit() else {}

    async def pass_stream(self, path: str, query: Mapping[str, str]) -> None:
        """The daemon's stream from here to its end; an answer that is no stream (an error) passes as it is."""
        async with self.link.stream(path, query, self.resume_headers()) as response:
            if response.status_code != 200:
                await response.aread()
                self.answer(response)
                return
            await self.begin()
            await self.pump(response)

    async def pump(self, response: httpx.Response) -> None:
        """Until the daemon or the browser ends it.

        Neither side is cancelled: cancelling a flush upsets tornado. Closing the response ends the copying.
        """
        copying = asyncio.create_task(self._copy(response))
        leaving = asyncio.create_task(self.gone.wait())
        await asyncio.wait({copying, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        await response.aclose()
        await asyncio.wait({copying})

    async def _copy(self, response: httpx.Response) -> None:
        try:
            async for chunk in response.aiter_raw():
                await self.emit(chunk)
                if self.gone.is_set():
                    return
        except (httpx.TransportError, httpx.StreamError):
            # The daemon went away, or we closed it: the browser reconnects and resumes by its last id.
            return

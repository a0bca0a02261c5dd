"""Event streams through the Jupyter server: resumable, patient, and let go when the browser leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.unit.lab.conftest import RecordingDaemon


@pytest.fixture
def browser(jp_serverapp: Any, jp_base_url: str, jp_auth_header: dict[str, str], http_server_port: Any) -> Any:
    """A client that reads an answer while it comes."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{http_server_port[1]}{jp_base_url}", headers=jp_auth_header, timeout=10
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def read(response: httpx.Response, end: str) -> str:
    text = ""
    async for chunk in response.aiter_text():
        text += chunk
        if end in text:
            break
    return text


async def test_events_pass_with_their_ids(http_server: Any, browser: httpx.AsyncClient, daemon: RecordingDaemon) -> None:
    daemon.stream = ["id: 4\nevent: job.running\ndata: {}\n\n"]
    async with browser, browser.stream("GET", "slml/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        text = await read(response, "job.running")
    assert text.index('data: {"running": true}') < text.index("id: 4\nevent: job.running\ndata: {}\n\n")
    assert daemon.asked[0].query == {"after": "-1"}


@pytest.mark.parametrize(("newest", "resumed"), [(9, True), (3, False)])
async def test_a_reader_resumes_where_it_stopped_unless_the_log_is_a_new_one(
    http_server: Any, browser: httpx.AsyncClient, daemon: RecordingDaemon, newest: int, resumed: bool
) -> None:
    daemon.answer = {"events": [], "last": newest}
    daemon.stream = ["id: 8\ndata: {}\n\n"]
    async with browser, browser.stream("GET", "slml/events", headers={"Last-Event-ID": "7"}) as response:
        await read(response, "id: 8")
    asked = daemon.asked[-1]
    assert asked.headers.get("last-event-id") == ("7" if resumed else None)
    assert asked.query == ({} if resumed else {"after": "-1"})


async def test_a_stream_waits_for_a_daemon_and_starts_none(
    http_server: Any, browser: httpx.AsyncClient, daemon: RecordingDaemon
) -> None:
    daemon.stop()
    async with browser, browser.stream("GET", "slml/events") as response:
        chunks = response.aiter_text()
        text = ""
        while '"running": false' not in text:
            text += await anext(chunks)
        daemon.stream = ["id: 1\ndata: {}\n\n"]
        daemon.start()
        while "id: 1" not in text:
            text += await anext(chunks)
    assert text.index("false") < text.index("true") < text.index("id: 1")


async def test_the_daemon_is_let_go_when_the_browser_leaves(
    http_server: Any, browser: httpx.AsyncClient, daemon: RecordingDaemon
) -> None:
    daemon.stream, daemon.hold = ["id: 1\ndata: {}\n\n"], True
    async with browser, browser.stream("GET", "slml/events") as response:
        await read(response, "id: 1")
        assert not daemon.left.is_set()
    await until(daemon.left.is_set)


async def test_a_log_streams_only_when_asked_to(
    http_server: Any, browser: httpx.AsyncClient, daemon: RecordingDaemon
) -> None:
    async with browser:
        await browser.get("slml/jobs/job-1/logs?after=3")
        daemon.stream = ["event: entries\ndata: {}\n\n", "event: done\ndata: {}\n\n"]
        accept = {"Accept": "text/event-stream"}
        async with browser.stream("GET", "slml/jobs/job-1/logs?after=3", headers=accept) as response:
            text = await read(response, "event: done")
    assert "event: entries" in text
    assert [asked.headers["accept"] for asked in daemon.asked] == ["*/*", "text/event-stream"]
    assert [asked.query for asked in daemon.asked] == [{"after": "3"}] * 2


async def test_a_refused_stream_is_an_error_and_no_stream(
    http_server: Any, browser: httpx.AsyncClient, daemon: RecordingDaemon
) -> None:
    daemon.status, daemon.answer = 404, {"error": {"code": "not_found", "message": "There is no job x."}}
    async with browser:
        response = await browser.get("slml/jobs/x/logs", headers={"Accept": "text/event-stream"})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"

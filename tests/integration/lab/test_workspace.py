"""The server extension against the real platform, from no daemon to a prediction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

from jupyter_slml.client import connect
from jupyter_slml.client.start import running
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import DeploySpec, JobSpec
from jupyter_slml.settings import Workspace

Fetch = Callable[..., Awaitable[HTTPResponse]]

TRAIN = """\
import numpy as np, xgboost as xgb
X = np.arange(40.0).reshape(20, 2)
model = xgb.XGBClassifier(n_estimators=3).fit(X, (X[:, 0] > 20).astype(int))
print("trained")
"""


async def body(fetching: Awaitable[HTTPResponse]) -> Any:
    return json.loads((await fetching).body)


def finished(place: Workspace, **spec: Any) -> Job:
    """A job of this workspace, at its end. Blocks."""
    with closing(connect(place.home)) as client:
        job = client.jobs.submit(JobSpec(**spec))
        while not job.state.is_final:
            job = client.jobs.wait(job.id, timeout=20)
        return job


async def test_start_starts_the_daemon_once(jp_fetch: Fetch, place: Workspace) -> None:
    # A restarted Jupyter server finds it running; this module's tests share one workspace.
    first = await body(jp_fetch("slml", "start", method="POST", body="", request_timeout=60))
    again = await body(jp_fetch("slml", "start", method="POST", body="", request_timeout=60))
    assert first["pid"] == again["pid"]
    assert first["home"] == str(place.home)
    assert running(place) is not None


async def test_a_job_its_log_and_an_unknown_one(jp_fetch: Fetch, place: Workspace) -> None:
    job = await asyncio.to_thread(finished, place, source="print('hello')", name="said")
    assert job.state == "succeeded"
    listed = await body(jp_fetch("slml", "jobs", params={"limit": "1", "1700000000": ""}))
    assert [each["id"] for each in listed["jobs"]] == [job.id]
    log = await body(jp_fetch("slml", "jobs", job.id, "logs"))
    assert "".join(entry["x"] for entry in log["entries"]) == "hello\n"
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("slml", "jobs", "job-000000000000")
    assert caught.value.code == 404
    assert caught.value.response is not None
    error = json.loads(caught.value.response.body)["error"]
    assert error["code"] == "not_found"
    assert error["remedy"]


async def test_stop_ends_a_job(jp_fetch: Fetch, place: Workspace) -> None:
    with closing(connect(place.home)) as client:
        job = client.jobs.submit(JobSpec(source="import time; time.sleep(600)", name="long"))
    await body(jp_fetch("slml", "jobs", job.id, "stop", method="POST", body=""))
    async with asyncio.timeout(60):
        while (await body(jp_fetch("slml", "jobs", job.id)))["state"] != "stopped":
            await asyncio.sleep(0.1)


async def test_the_stream_resumes_without_loss_or_repetition(
    http_server: Any,
    http_server_port: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    place: Workspace,
) -> None:
    job = await asyncio.to_thread(finished, place, source="1", name="streamed")
    address = f"http://127.0.0.1:{http_server_port[1]}{jp_base_url}slml/events"
    async with httpx.AsyncClient(headers=jp_auth_header, timeout=20) as browser:
        whole = await ids(browser, address, {"after": "0"}, {}, job.id)
        middle = whole[len(whole) // 2]
        rest = await ids(browser, address, {}, {"Last-Event-ID": str(middle)}, job.id)
    assert whole == list(range(whole[0], whole[-1] + 1))
    assert rest == [each for each in whole if each > middle]


async def ids(
    browser: httpx.AsyncClient, address: str, query: dict[str, str], headers: dict[str, str], job: str
) -> list[int]:
    """The ids of the stream up to the event that tells the end of `job`."""
    found: list[int] = []
    event = ""
    async with browser.stream("GET", address, params=query, headers=headers) as response:
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                found.append(int(value))
            elif name == "event":
                event = value
            elif name == "data" and event == "job.succeeded" and json.loads(value)["subject_id"] == job:
                return found
    raise AssertionError("the stream ended before the job did")


async def test_a_prediction_through_the_jupyter_server(jp_fetch: Fetch, place: Workspace) -> None:
    job = await asyncio.to_thread(finished, place, source=TRAIN, name="small", outputs=["model"], register_as="small")
    assert job.registered == "small@1", job.outcome
    models = await body(jp_fetch("slml", "models"))
    assert [each["name"] for each in models["models"]] == ["small"]
    with closing(connect(place.home)) as client:
        client.endpoints.deploy(DeploySpec(model="small"))
    low, high = await predict(jp_fetch, "[[0, 1], [38, 39]]", "application/json")
    assert low < 0.5 < high
    assert await predict(jp_fetch, "0,1\n", "text/csv") == [low]
    with pytest.raises(HTTPClientError) as caught:
        await predict(jp_fetch, "[[1, 2, 3]]", "application/json")
    assert 400 <= caught.value.code < 500
    endpoint = ("slml", "endpoints", "small")
    as_text = {"Content-Type": "text/csv", "Accept": "text/csv"}
    text = await jp_fetch(*endpoint, "invocations", method="POST", body="0,1\n", headers=as_text)
    assert text.headers["Content-Type"].startswith("text/csv") and float(text.body) == pytest.approx(low)
    # The page asks with relative addresses, so all that it needs is here.
    page = await jp_fetch(*endpoint, "try")
    assert page.headers["Content-Type"].startswith("text/html") and b"openapi.json" in page.body
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert (await body(jp_fetch(*endpoint, "openapi.json")))["info"]["title"] == "small"
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(*endpoint, "console", method="POST", body="")
    assert caught.value.code == 503 and caught.value.response is not None
    assert "its terminals are off" in json.loads(caught.value.response.body)["error"]["message"]
    await jp_fetch(*endpoint, method="DELETE")


async def predict(jp_fetch: Fetch, rows: str, content_type: str) -> list[float]:
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    path = ("slml", "endpoints", "small", "invocations")
    answer = await body(jp_fetch(*path, method="POST", body=rows, headers=headers, request_timeout=60))
    return list(answer["predictions"])

"""What the browser may ask, what the daemon gets to see of it, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

from jupyter_slml.lab import curves, endpoints, events, jobs, models, status
from jupyter_slml.settings import Workspace
from tests.unit.lab.conftest import RecordingDaemon

Fetch = Callable[..., Awaitable[HTTPResponse]]

ROUTES = [
    ("GET", "/status", ("slml", "status")),
    ("GET", "/jobs", ("slml", "jobs")),
    ("GET", "/jobs/job-1", ("slml", "jobs", "job-1")),
    ("GET", "/jobs/job-1/attempts", ("slml", "jobs", "job-1", "attempts")),
    ("GET", "/jobs/job-1/metrics", ("slml", "jobs", "job-1", "metrics")),
    ("GET", "/jobs/job-1/displays", ("slml", "jobs", "job-1", "displays")),
    ("GET", "/jobs/job-1/logs", ("slml", "jobs", "job-1", "logs")),
    ("POST", "/jobs/job-1/stop", ("slml", "jobs", "job-1", "stop")),
    ("GET", "/models", ("slml", "models")),
    ("GET", "/models/churn", ("slml", "models", "churn")),
    ("GET", "/models/churn/versions/3", ("slml", "models", "churn", "versions", "3")),
    ("GET", "/endpoints", ("slml", "endpoints")),
    ("PUT", "/endpoints", ("slml", "endpoints")),
    ("GET", "/endpoints/churn", ("slml", "endpoints", "churn")),
    ("DELETE", "/endpoints/churn", ("slml", "endpoints", "churn")),
]


def body(method: str) -> dict[str, Any]:
    return {"method": method, **({"body": "{}"} if method in ("POST", "PUT") else {})}


async def failure(fetching: Awaitable[HTTPResponse]) -> tuple[int, dict[str, Any]]:
    with pytest.raises(HTTPClientError) as caught:
        await fetching
    assert caught.value.response is not None
    return caught.value.code, json.loads(caught.value.response.body)


@pytest.mark.parametrize(("method", "path", "url"), ROUTES)
async def test_each_route_asks_the_daemon_for_its_twin(
    jp_fetch: Fetch, daemon: RecordingDaemon, method: str, path: str, url: tuple[str, ...]
) -> None:
    daemon.answer = {"from": path}
    response = await jp_fetch(*url, **body(method))
    assert json.loads(response.body) == {"from": path}
    assert [(asked.method, asked.path) for asked in daemon.asked] == [(method, path)]


def test_every_verb_is_authenticated_and_authorised() -> None:
    """`@authorized` refuses an anonymous user too, but the answer would be another one; both are wanted."""
    from inspect import getsource

    for module in (curves, endpoints, events, jobs, models, status):
        for _, handler in module.ROUTES:
            assert handler.auth_resource.startswith("slml:")
            for verb in ("get", "post", "put", "delete"):
                if verb in vars(handler):
                    source = getsource(vars(handler)[verb])
                    assert "@web.authenticated\n    @authorized" in source, f"{handler.__name__}.{verb}"


@pytest.mark.parametrize(("method", "path", "url"), ROUTES)
async def test_a_stranger_gets_nothing(
    jp_serverapp: Any, http_server_client: Any, daemon: RecordingDaemon, method: str, path: str, url: tuple[str, ...]
) -> None:
    address = jp_serverapp.base_url + "/".join(url)
    code, said = await failure(http_server_client.fetch(address, **body(method)))
    assert code == 403
    assert said["error"]["code"] == "forbidden"
    assert daemon.asked == []


async def test_a_page_elsewhere_cannot_use_the_cookie(
    jp_serverapp: Any, http_server_client: Any, jp_auth_header: dict[str, str], daemon: RecordingDaemon
) -> None:
    login = await http_server_client.fetch(jp_serverapp.base_url + "api/me", headers=jp_auth_header)
    cookies = [each.partition(";")[0] for each in login.headers.get_list("Set-Cookie")]
    session = {"Cookie": "; ".join(each for each in cookies if not each.startswith("_xsrf"))}
    await http_server_client.fetch(jp_serverapp.base_url + "slml/jobs", headers=session)
    daemon.asked.clear()
    address = jp_serverapp.base_url + "slml/jobs/job-1/stop"
    code, said = await failure(http_server_client.fetch(address, method="POST", body="{}", headers=session))
    assert code == 403
    assert "_xsrf" in said["error"]["message"]
    assert daemon.asked == []


async def test_nothing_of_the_jupyter_session_reaches_the_daemon(
    jp_serverapp: Any, jp_fetch: Fetch, daemon: RecordingDaemon
) -> None:
    params = {"token": jp_serverapp.identity_provider.token, "limit": "5", "1699": ""}
    headers = {"Cookie": "username-localhost=me", "X-XSRFToken": "x", "X-Anything": "y"}
    response = await jp_fetch("slml", "jobs", headers=headers, params=params)
    (asked,) = daemon.asked
    assert asked.query == {"limit": "5"}
    assert not {"cookie", "authorization", "x-xsrftoken", "x-anything"} & set(asked.headers)
    assert "daemon=secret" not in str(response.headers.get_list("Set-Cookie"))


async def test_an_error_of_the_daemon_arrives_as_it_is(jp_fetch: Fetch, daemon: RecordingDaemon) -> None:
    daemon.status = 404
    daemon.answer = {"error": {"code": "not_found", "message": "There is no job x.", "remedy": "%jobs lists them."}}
    assert await failure(jp_fetch("slml", "jobs", "x")) == (404, daemon.answer)


async def test_without_a_daemon_reading_says_so_and_starts_none(jp_fetch: Fetch, home: Workspace) -> None:
    code, said = await failure(jp_fetch("slml", "jobs"))
    assert code == 503
    assert said["error"]["code"] == "unavailable"
    assert "jupyter slml start" in said["error"]["remedy"]
    assert not home.lock_file.exists()


async def test_a_name_stays_one_segment(
    jp_serverapp: Any, http_server_client: Any, jp_auth_header: dict[str, str], daemon: RecordingDaemon
) -> None:
    address = jp_serverapp.base_url + "slml/jobs/a%2F..%2Fstatus"
    await http_server_client.fetch(address, headers=jp_auth_header)
    assert daemon.asked[0].path == "/jobs/a%2F..%2Fstatus"


async def test_a_prediction_needs_a_gateway(jp_fetch: Fetch) -> None:
    code, said = await failure(jp_fetch("slml", "endpoints", "churn", "invocations", method="POST", body="[[1]]"))
    assert (code, said["error"]["code"]) == (503, "unavailable")


async def test_metrics_come_as_curves(jp_fetch: Fetch, daemon: RecordingDaemon) -> None:
    points = [{"t": 1.0, "step": step, "values": {"auc": step / 1000, "loss": None}} for step in range(1000)]
    daemon.answer = {"points": points}
    response = await jp_fetch("slml", "jobs", "job-1", "curves")
    (curve,) = json.loads(response.body)["curves"].values()
    assert len(curve) <= 100
    assert (curve[0], curve[-1]) == ([0, 0.0], [999, 0.999])
    assert [asked.path for asked in daemon.asked] == ["/jobs/job-1/metrics"]


async def test_curves_of_an_unknown_job_are_the_daemons_error(jp_fetch: Fetch, daemon: RecordingDaemon) -> None:
    daemon.status, daemon.answer = 404, {"error": {"code": "not_found", "message": "There is no job 'x'."}}
    code, said = await failure(jp_fetch("slml", "jobs", "x", "curves"))
    assert (code, said["error"]["code"]) == (404, "not_found")

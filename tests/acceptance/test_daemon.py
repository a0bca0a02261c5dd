"""The daemon: one per workspace, private, replaced by newer versions, resumable streams."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

import jupyter_slml
from jupyter_slml.client import connect
from jupyter_slml.client.start import running
from jupyter_slml.errors import Invalid, NotFound, VersionMismatch
from jupyter_slml.settings import write_private

from .conftest import Site

ASK = """
from jupyter_slml.client import connect
print(connect().status().pid)
"""


def test_twenty_clients_start_one_daemon(site: Site) -> None:
    """Twenty processes that need a daemon at once get the same one."""
    clients = [subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True) for _ in range(20)]
    pids = {client.communicate(timeout=120)[0].strip() for client in clients}
    assert len(pids) == 1
    assert len(site.only("jupyter_slml.processes.daemon")) == 1


def test_everything_is_private(site: Site) -> None:
    """Directories 0700; sockets, database settings and token files 0600."""
    site.client.status()
    place = site.place
    assert stat.S_IMODE(place.run.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.daemon_socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.daemon_file.stat().st_mode) == 0o600


def test_a_newer_package_replaces_an_older_daemon(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older daemon is drained, the jobs it knew are still there; an older package refuses a newer daemon."""
    job = site.submit("1 + 1")
    before = site.client.status().pid
    known = running(site.place)
    assert known is not None
    write_private(site.place.daemon_file, json.dumps({**known, "version": "0.0.1"}))
    site.client.close()
    assert site.client.status().pid != before
    assert site.client.jobs.get(job.id).id == job.id
    write_private(site.place.daemon_file, json.dumps({**(running(site.place) or {}), "version": "99.0.0"}))
    site.client.close()
    with pytest.raises(VersionMismatch, match=f"version 99.0.0, this is jupyter-slml {jupyter_slml.__version__}"):
        site.client.status()
    write_private(site.place.daemon_file, json.dumps({**(running(site.place) or {}), "version": jupyter_slml.__version__}))


def test_events_resume_without_loss_or_repetition(shared: Site) -> None:
    """A stream that breaks and resumes by id, across a daemon that is killed, shows every event once."""
    seen: list[int] = []
    ended = threading.Event()

    def read() -> None:
        position = 0
        while not ended.is_set():
            try:
                for event in connect(shared.place.home).events(position):
                    position = event.id
                    seen.append(event.id)
                    if event.kind == "job.succeeded" and event.data["job"]["name"] == "last":
                        ended.set()
                        return
            except Exception:
                continue

    reader = threading.Thread(target=read)
    reader.start()
    shared.finish(shared.submit("1", name="first"))
    shared.kill("jupyter_slml.processes.daemon")
    shared.finish(shared.submit("2", name="last"))
    assert ended.wait(60)
    reader.join()
    assert seen == list(range(1, len(seen) + 1))


def test_every_failure_has_one_shape(shared: Site) -> None:
    """Unknown addresses, methods, objects and fields answer with code, message, field and remedy."""
    http = httpx.Client(transport=httpx.HTTPTransport(uds=str(shared.place.daemon_socket)), base_url="http://slml")
    shared.client.status()
    way_out = {"name": "x", "format": "npy", "digest": "../../../../etc/passwd", "size": 1, "type": "ndarray"}
    answers = [
        (404, "not_found", http.get("/nothing")),
        (405, "method_not_allowed", http.put("/jobs")),
        (404, "not_found", http.get("/jobs/none")),
        (404, "not_found", http.get("/models/none")),
        (404, "not_found", http.get("/endpoints/none")),
        (422, "invalid", http.post("/jobs", json={"source": "1", "instance": "cpu.huge"})),
        (422, "invalid", http.post("/jobs", json={"source": "1", "colour": "red"})),
        (422, "invalid", http.post("/jobs", content=b"{")),
        (422, "invalid", http.post("/jobs", json={"source": "1", "name": "../x"})),
        (422, "invalid", http.post("/jobs", json={"source": "1", "parameters": {"text": "x" * 10_000_000}})),
        (422, "invalid", http.post("/jobs", json={"source": "1", "captures": [way_out]})),
        (
            422,
            "invalid",
            http.post("/jobs", json={"source": "1", "bundle": {"digest": way_out["digest"], "size": 1, "files": []}}),
        ),
        (404, "not_found", http.post("/jobs", json={"source": "1", "name": "me", "after": ["me"]})),
        (422, "invalid", http.post("/jobs/stop", json={"states": ["runing"]})),
        (404, "not_found", http.get("/jobs/..%2F..%2Fetc%2Fpasswd")),
        (422, "invalid", http.post("/blobs/missing", json={"digests": ["../../../etc/passwd"]})),
        (422, "invalid", http.get("/jobs", params={"state": "sleeping"})),
        (422, "invalid", http.get("/events", params={"after": "x"})),
        (422, "invalid", http.put("/blobs/xyz", content=b"1")),
        (422, "integrity", http.put(f"/blobs/{'0' * 64}", content=b"1")),
    ]
    for status, code, answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code), answer.text
        assert set(error) == {"code", "message", "field", "value", "remedy", "detail"}
        assert "Traceback" not in answer.text
    with pytest.raises(NotFound, match="There is no job 'none'"):
        shared.client.jobs.get("none")
    with pytest.raises(Invalid, match="no instance type"):
        shared.client._transport.request("POST", "/jobs", json={"source": "1", "instance": "cpu.huge"})


def test_a_daemon_that_cannot_start_says_why(site: Site, tmp_path: Path) -> None:
    """The first client gets the daemon's own message, not a time-out."""
    site.place.prepare()
    site.place.settings_file.write_text('{"workers": "many"}')
    with pytest.raises(Invalid, match="is not valid") as caught:
        site.client.status()
    assert caught.value.field == "workers"
    site.place.settings_file.unlink()


def test_the_environment_of_a_kernel_does_not_tie_the_daemon(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that a kernel started must not end with that kernel's parent."""
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    site.client.status()
    (daemon,) = site.only("jupyter_slml.processes.daemon")
    assert "JPY_PARENT_PID" not in daemon.environ()

"""Consoles on live replicas: by the command line, in a real terminal, and left behind."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.client.consoles import Console
from jupyter_slml.domain.records import Event
from jupyter_slml.domain.specs import ConsoleSpec, DeploySpec
from jupyter_slml.domain.states import EndpointState
from jupyter_slml.domain.views import EndpointView
from jupyter_slml.errors import Conflict, NotFound, Unavailable
from jupyter_slml.settings import HOME_VARIABLE

from .conftest import Site, until

TRAINS = """
import numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(60, 2))
model = xgboost.XGBRegressor(n_estimators=3).fit(rows, rows[:, 0])
"""
ROWS = b"[[0.5, 1.5]]"


@pytest.fixture(scope="module")
def site(shared: Site) -> Site:
    job = shared.finish(shared.submit(TRAINS, name="fit", outputs=["model"], register_as="churn"))
    assert job.state == "succeeded", job.reason
    return shared


@pytest.fixture
def churn(site: Site) -> Iterator[str]:
    """An endpoint that sleeps as soon as it may; nobody calls it."""
    deploy(site, min_replicas=0, idle=1)
    yield "churn"
    site.client.endpoints.remove("churn")
    until(lambda: not site.client.endpoints.list().endpoints, 30, "its end")


def deploy(site: Site, **options: Any) -> EndpointView:
    return site.client.endpoints.deploy(DeploySpec.parse({"model": "churn", **options}), wait=60)


def command(site: Site, *words: str) -> list[str]:
    program = "import sys; from jupyter_slml.cli import main; sys.exit(main())"
    return [sys.executable, "-c", program, *words]


def surroundings(site: Site) -> dict[str, str]:
    return {**os.environ, HOME_VARIABLE: str(site.place.home), "TERM": "xterm"}


def run(site: Site, *words: str, given: str | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        command(site, *words), input=given, env=surroundings(site), capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def events(site: Site, kind: str) -> list[Event]:
    found = site.client._transport.request("GET", "/events", params={"after": 0}).json()["events"]
    return [Event.model_validate(item) for item in found if item["kind"] == kind]


def replicas(site: Site) -> dict[str, str]:
    """Replicas that shall run: id and console."""
    view = site.client.endpoints.get("churn")
    return {item.id: item.console for item in view.replicas if item.state == "ready" and item.desired == "run"}


def asleep(site: Site) -> bool:
    return site.client.endpoints.get("churn").state is EndpointState.SLEEPING


def test_a_command_wakes_runs_and_is_audited(site: Site, churn: str) -> None:
    """What it prints comes through; what it raises is its exit status; it is no traffic, and the log says who."""
    until(lambda: asleep(site), 30, "sleep")
    code = "print(type(model).__name__, endpoint, version); predict([[0.5, 1.5]])"
    status, out, err = run(site, "console", "churn", "-c", code)
    assert status == 0, err
    first, second = out.splitlines()
    assert first == "XGBRegressor churn 1"
    _, answer = site.client.endpoints.invoke("churn", ROWS, "application/json")
    assert json.loads(second) == json.loads(answer)["predictions"]
    status, out, err = run(site, "console", "churn", given="import sys\nprint('out')\nsys.stderr.write('err')\n1/0\n")
    assert status == 1 and out == "out\n" and "ZeroDivisionError" in err and err.startswith("err")
    assert site.client.endpoints.load("churn").requests <= 1
    opened, closed = events(site, "endpoint.console")[-1], events(site, "endpoint.console_closed")[-1]
    assert opened.subject_id == "churn" and opened.data["console"]["by"] and opened.data["console"]["drain"] is False
    assert closed.data["console"] == {**opened.data["console"], "how": "closed"}
    assert run(site, "console", "none", "-c", "1")[2].startswith("Error: There is no endpoint 'none'.")
    assert "has no replica 'rep-x'" in run(site, "console", "churn", "-r", "rep-x", "-c", "1")[2]


def test_a_drained_replica_is_spared_and_comes_back(site: Site, churn: str) -> None:
    """Another takes its requests, and ends with the console; meanwhile the drained one never ends for being idle."""
    console = site.client.consoles.open("churn", drain=True)
    mine = console.view.replica
    path = Path(console.view.connection_file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for _ in range(20):
        site.client.endpoints.invoke("churn", ROWS, "application/json")
    assert says(console, "print(replica)") == mine
    assert replicas(site)[mine] == "drained"
    # The key opens the same again, and the request that is sent again nothing more.
    spec = ConsoleSpec(key=console.view.key, drain=True)
    assert site.client.consoles.ask("churn", spec).replica == mine
    until(lambda: set(replicas(site)) == {mine}, 30, "only the drained one is left: nobody calls")
    console.close()
    console.close()
    until(lambda: asleep(site) and not replicas(site), 30, "sleep")
    with pytest.raises((NotFound, Conflict), match=mine):
        site.client.consoles.open("churn", replica=mine)
    until(lambda: not path.exists(), 30, "its end")


def test_a_terminal_that_dies_leaves_nothing_behind(site: Site, churn: str) -> None:
    """A console in a real terminal: Ctrl-C reaches the replica, Ctrl-D leaves it alive; killed in the middle of an endless
    loop, its lease lapses: the loop is interrupted, and the replica takes requests again."""
    deploy(site, min_replicas=1)
    status, screen = converse(site, [("In [", "6 * 7, replica\r"), ("(42, 'rep-", "while True: pass\r"), ("pass", "\x03")])
    assert "KeyboardInterrupt" in screen and "keeping kernel alive" in screen, screen
    assert status == 0
    before = set(replicas(site))
    _, screen = converse(site, [("In [", "while True: pass\r"), ("pass", "kill")], "--drain")
    assert "takes no requests meanwhile" in screen
    mine = next(name for name, console in replicas(site).items() if console == "drained")
    assert mine in before
    until(lambda: replicas(site).get(mine) != "drained", 60, "the lease lapses")
    assert events(site, "endpoint.console_closed")[-1].data["console"]["how"] == "lapsed"
    console = site.client.consoles.open("churn", replica=mine)
    assert says(console, "print('idle')") == "idle"
    console.close()


def says(console: Console, code: str) -> str:
    heard: list[str] = []
    console.run(code, lambda kind, content: heard.append(content.get("text", "")))
    return "".join(heard).strip()


def converse(site: Site, steps: list[tuple[str, str]], *words: str) -> tuple[int, str]:
    """`jupyter slml console churn` in a pseudo terminal: each step waits for a text and types another. Gives the exit status
    and the screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        program = command(site, "console", "churn", *words)
        os.execve(program[0], program, surroundings(site))
    screen, seen, deadline = b"", 0, time.monotonic() + 60
    left = [*steps]
    leaving = False
    status = 0
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.3)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            screen += data
            if b"\x1b[6n" in data:
                # It asks where the cursor is.
                os.write(terminal, b"\x1b[1;1R")
        elif left and left[0][0].encode() in screen[seen:]:
            seen = len(screen)
            _, typed = left.pop(0)
            if typed == "kill":
                os.kill(pid, signal.SIGKILL)
                break
            os.write(terminal, typed.encode())
        elif not left and not leaving and b"In [" in screen[seen:]:
            leaving = True
            os.write(terminal, b"\x04")
        elif leaving and b"exit" in screen[seen:]:
            os.write(terminal, b"y\r")
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return status, screen.decode(errors="replace")


def test_a_new_daemon_ends_the_consoles_of_the_old(site: Site, churn: str) -> None:
    """One whose owner is there goes on; the kernel that nobody reaches says so."""
    console = site.client.consoles.open("churn", drain=True)
    site.kill("jupyter_slml.processes.daemon")
    assert site.client.consoles.ask("churn", ConsoleSpec(key=console.view.key, replica=console.view.replica, drain=True))
    assert replicas(site)[console.view.replica] == "drained"
    assert says(console, "print(1)") == "1"
    pid = next(item.pid for item in site.client.endpoints.get("churn").replicas if item.id == console.view.replica)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match=console.view.replica):
        says(console, "print(1)")
    console.close()

"""The command line, as a person uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_slml.cli.main import slml

from .conftest import Site, until


@pytest.fixture(scope="module")
def run(shared: Site):
    """Run `jupyter slml …` in a process of its own; returns (exit status, standard output, standard error)."""

    def call(*words: str, text: str | None = None) -> tuple[int, str, str]:
        import os

        done = subprocess.run(
            [sys.executable, "-c", "from jupyter_slml.cli import main; main()", *words],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "SLML_HOME": str(shared.place.home)},
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.mark.parametrize("path", [[name] for name in slml.commands] + [["jobs", "show"], ["endpoints", "deploy"]])
def test_every_command_has_help_with_an_example(path: list[str]) -> None:
    """`--help` says what it does and shows a line to copy."""
    command = slml.commands[path[0]]
    for name in path[1:]:
        command = command.commands[name]  # type: ignore[attr-defined]
    assert command.help
    assert "Example:" in command.help
    assert "jupyter slml" in command.help


def test_jobs_from_submit_to_gc(shared: Site, run) -> None:
    """List, show, logs, diff, stop, delete, gc: each says what it did."""
    first = shared.finish(shared.submit("print('hello')\nx = 1", name="first"))
    second = shared.finish(shared.submit("print('bye')\nx = 2", name="second"))
    assert run("logs", "first") == (0, "hello\n", "")
    code, out, _ = run("jobs")
    assert code == 0
    assert out.splitlines()[0].split() == ["ID", "NAME", "STATE", "SUBMITTED", "TIME", "METRICS"]
    assert second.id in out
    code, out, _ = run("jobs", "show", "first")
    assert f"Job        {first.id} (first)" in out
    assert "Phases     queued" in out
    code, out, _ = run("jobs", "diff", first.id, second.id)
    assert "-x = 1" in out.splitlines()
    assert "+x = 2" in out.splitlines()
    sleeping = shared.submit("import time\ntime.sleep(600)", name="sleeping")
    until(lambda: shared.client.jobs.get(sleeping.id).state == "running")
    assert run("jobs", "delete", sleeping.id)[0] == 1
    assert sleeping.id in run("jobs", "stop", "--name", "sleeping")[1]
    assert shared.finish(sleeping).state == "stopped"
    assert sleeping.id in run("jobs", "delete", sleeping.id)[1]
    code, out, _ = run("gc", "--older-than", "0s", "--keep", "1", "--dry-run")
    assert code == 0
    assert "object(s) and 0 unfinished upload(s): would free" in out


def test_failures_are_one_message_with_a_remedy(run) -> None:
    """Standard error says what and what to do; no traceback of ours."""
    for words, message in (
        (("logs", "nobody"), "There is no job 'nobody'."),
        (("jobs", "show", "../../etc/passwd"), "There is no job '../../etc/passwd'."),
        (("jobs", "diff", "nobody", "nobody"), "There is no job 'nobody'."),
        (("jobs", "delete", "nobody"), "There is no job 'nobody'."),
        (("jobs", "stop", "nobody"), "There is no job 'nobody'."),
        (("jobs", "stop", "--state", "runing"), "There is no job state 'runing'."),
        (("jobs", "--state", "sleeping"), "There is no job state 'sleeping'."),
        (("models", "none"), "There is no model 'none'."),
        (("invoke", "none", "-d", "[[1]]"), "No gateway runs yet."),
        (("endpoints", "deploy", "none"), "There is no model 'none'."),
        (("config", "colour=red"), "There is no setting 'colour'."),
        (("config", "workers=many"), "workers 'many': it should be a valid integer"),
        (("gc", "--older-than", "soon"), "'soon' is not a time."),
    ):
        code, out, err = run(*words)
        assert (code, out) == (1, ""), (words, out, err)
        assert message in err
        assert "Traceback" not in err


def test_status_doctor_and_config(shared: Site, run) -> None:
    """What runs, whether it is well, and the settings."""
    shared.client.status()
    _, out, _ = run("status", "--json")
    assert json.loads(out)["home"] == str(shared.place.home)
    assert run("status")[1].startswith("Daemon     pid ")
    _, out, _ = run("doctor", "--json")
    findings = {item["what"]: item["well"] for item in json.loads(out)}
    assert {"Python", "system", "workspace", "disk", "sockets", "Lab extension", "server extension", "daemon"} <= set(
        findings
    )
    assert findings["daemon"]
    assert findings["sockets"]
    assert run("config", "workers=3")[0] == 0
    assert "3" in run("config")[1]
    assert run("config", "workers=")[0] == 0


def test_start_and_stop_and_purge(tmp_path: Path) -> None:
    """`start` says so, `stop` leaves no process, `--purge` no file."""
    import os

    home = tmp_path / "home"

    def call(*words: str) -> str:
        environment = {**os.environ, "SLML_HOME": str(home)}
        command = [sys.executable, "-c", "from jupyter_slml.cli import main; main()", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=True).stdout

    assert call("stop") == ""
    assert call("status").startswith("Not running")
    assert call("start").startswith("Started: pid")
    assert call("start").startswith("Already running: pid")
    assert "Deleted" in call("stop", "--purge", "--yes")
    assert not home.exists()

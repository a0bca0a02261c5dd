"""`%jobs` and `%stop`: listing, comparing, and acting on many."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.difference import Difference
from jupyter_slml.notebook.handle import JobHandle
from tests.unit.notebook.platform import Platform


def run(shell: InteractiveShell, cell: str) -> Any:
    result = shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
    result.raise_error()
    return result.result


@pytest.fixture
def three(shell: InteractiveShell, platform: Platform) -> list[str]:
    """Two unfinished jobs, `a` queued and `b` running, and an ended `c`."""
    ids = [run(shell, f"%%train --name {name} --no-wait\nx = 1").id for name in "abc"]
    platform.records[ids[1]] = platform.records[ids[1]].evolve(state=JobState.RUNNING)
    platform.records[ids[2]] = platform.records[ids[2]].evolve(state=JobState.FAILED)
    return ids


def states(platform: Platform) -> list[str]:
    return [job.state.value for job in platform.records.values()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%stop a", ["stopped", "running", "failed"]),
        ("%stop", ["queued", "running", "failed"]),
        ("%stop {slml.job('a')}", ["stopped", "running", "failed"]),
        ("%stop a b c", ["stopped", "stopped", "failed"]),
        ("%stop --all", ["stopped", "stopped", "failed"]),
        ("%stop --state queued", ["stopped", "running", "failed"]),
        ("%stop --name b", ["queued", "stopped", "failed"]),
        ("%jobs stop a", ["stopped", "running", "failed"]),
        ("%jobs stop --state running --state queued", ["stopped", "stopped", "failed"]),
        ("slml.jobs.stop_all(slml.job('b'), 'a')", ["stopped", "stopped", "failed"]),
        ("slml.jobs.stop_all(name='a')", ["stopped", "running", "failed"]),
        ("%jobs delete c", ["queued", "running"]),
        ("%jobs delete --all", ["queued", "running"]),
        ("%jobs delete --state queued", ["queued", "running", "failed"]),
        ("%jobs delete --name a", ["queued", "running", "failed"]),
        ("slml.jobs.delete(states=['failed'])", ["queued", "running"]),
    ],
)
def test_many_at_once(shell: InteractiveShell, platform: Platform, three: list[str], line: str, expected: list[str]) -> None:
    if line == "%stop":
        platform.records[three[2]] = platform.records[three[2]].evolve(state=JobState.RUNNING)
        expected = [*expected[:2], "stopped"]
    run(shell, line)
    assert states(platform) == expected


def test_what_was_done_is_said(shell: InteractiveShell, platform: Platform, three: list[str]) -> None:
    said = repr(run(shell, "%jobs stop --all"))
    assert said.startswith("2 jobs asked to stop.") and three[0] in said and three[2] not in said
    assert repr(run(shell, "%jobs stop --all")) == "Nothing to stop: no such job is unfinished."
    assert repr(run(shell, "%jobs delete --state succeeded")) == "Nothing to delete: no such job has ended."
    assert len(run(shell, "%jobs --state failed --name c --limit 5")) == 1


def test_diff_of_two_jobs(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "rows = [1, 2]")
    run(shell, "%%train --name a -p depth=3 --no-wait\nmodel = rows, depth\nprint('<one>')")
    run(shell, "rows = [1, 2, 3]")
    run(shell, "%%train --name b -p depth=4 --retries 2 --no-wait\nmodel = rows, depth\nprint('<two>')")
    found = run(shell, "%jobs diff a b")
    assert isinstance(found, Difference) and found and "-print('<one>')" in found.code
    said = repr(found)
    for words in (
        "Code",
        "  +print('<two>')",
        "Parameters\n  depth: 3 → 4",
        "Inputs\n  rows: list, 6 bytes",
        "retries: 0 → 2",
    ):
        assert words in said
    html = found._repr_html_()
    assert "&lt;two&gt;" in html and "<script" not in html and "color:#1a7f37" in html
    assert repr(run(shell, "slml.jobs.diff('a', slml.job('a'))")).endswith(": no difference.")
    assert not run(shell, "%jobs diff a a")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%jobs diff a", ["takes two jobs, and 1 is given", "For example"]),
        ("%jobs diff a b c", ["3 are given"]),
        ("%jobs stop", ["does not know which jobs are meant", "--all"]),
        ("%jobs delete", ["does not know which jobs are meant", "--state failed"]),
        ("%jobs stop a --all", ["not both"]),
        ("%stop a --name b", ["not both"]),
        ("%stop --state done", ["--state done", "queued"]),
        ("%jobs churn", ["the verb 'churn'", "%jobs --name churn"]),
        ("%jobs list --all", ["the verb 'list'"]),
        ("%jobs --limit 0", ["--limit", "greater than or equal to 1"]),
        ("slml.jobs.delete()", ["which jobs are meant"]),
    ],
)
def test_what_is_not_understood(shell: InteractiveShell, platform: Platform, line: str, words: list[str]) -> None:
    result = shell.run_cell(line)  # type: ignore[no-untyped-call]
    assert isinstance(result.error_in_exec, Invalid)
    for word in words:
        assert word in str(result.error_in_exec)


def test_a_single_stop_gives_the_handle(shell: InteractiveShell, platform: Platform, three: list[str]) -> None:
    assert isinstance(run(shell, "%stop b"), JobHandle)

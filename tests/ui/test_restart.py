"""kill -9 of the Jupyter server under a running job: the job does not notice, and its card finds it again."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from jupyter_slml.client import connect
from tests.ui.conftest import open_lab
from tests.ui.lab import LabServer
from tests.ui.notebook import NotebookPage, write_notebook
from tests.ui.test_panel import COLD

WAITING = """\
%%train --name patient --output answer
import os, time
print("it begins", flush=True)
while not os.path.exists({gate!r}):
    time.sleep(0.05)
print("it ends", flush=True)
answer = 42"""


def test_a_job_outlives_the_jupyter_server(page: Page, lab: LabServer, tmp_path: Path) -> None:
    """The open page and a page that is loaded anew both show the job's end; the kernel that submitted it is gone."""
    gate = tmp_path / "gate"
    write_notebook(lab, "patient.ipynb", "%load_ext jupyter_slml", WAITING.format(gate=str(gate)))
    notebook = NotebookPage(page).open("patient.ipynb")
    notebook.run(0)
    notebook.run(1)
    card = notebook.card(1)
    expect(card).to_contain_text("Running", timeout=COLD)
    notebook.save()
    client = connect(lab.home / "slml", start=False)
    daemon = client.status().pid
    job = client.jobs.get("patient")
    lab.kill()
    assert client.status().pid == daemon, "the daemon is nobody's child"
    lab.start()
    expect(card).to_contain_text("Running")
    assert client.jobs.get(job.id).state == "running"

    # Another browser window opens the saved notebook while the job still runs.
    second = page.context.browser.new_context(viewport={"width": 1280, "height": 900})  # type: ignore[union-attr]
    other = second.new_page()
    other.set_default_timeout(25_000)
    open_lab(other, lab)
    reopened = NotebookPage(other).open("patient.ipynb", kernel=False).card(1)
    expect(reopened).to_contain_text("Running")
    expect(reopened.get_by_role("button", name="Stop")).to_be_visible()
    gate.touch()
    expect(reopened).to_contain_text("Succeeded", timeout=30_000)
    # The page that was open all the time connects again by itself, after a pause that has grown meanwhile.
    expect(card).to_contain_text("Succeeded", timeout=60_000)
    expect(card).to_contain_text("answer")
    second.close()
    attempts = client.jobs.attempts(job.id).attempts
    assert [attempt.state for attempt in attempts] == ["succeeded"]
    assert "".join(entry.x for entry in client.jobs.logs(job.id).entries) == "it begins\nit ends\n"
    client.close()

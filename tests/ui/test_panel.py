"""The panel and the cell button, from an empty workspace to a stopped job, against the real platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.lab import LabServer
from tests.ui.notebook import NotebookPage, write_notebook

#: The first job of a workspace starts the daemon, the scheduler, a worker, a runner and a zygote.
COLD = 90_000
#: For whoever changes a style.
RESULTS = Path(__file__).parents[2] / "test-results"

PRINTING = """\
# the cell's own first line
print("hello from the job", x * 2)
slml.log(answer=x * 2)
result = x * 2"""
SLEEPING = "import time\nprint('sleeping', flush=True)\ntime.sleep(600)"

LOGGING = """\
import time
print("\\x1b[32mgreen\\x1b[0m and plain", flush=True)
for step in range(20):
    slml.log(loss=1 / (step + 1), step=step)
    time.sleep(0.3)"""


@pytest.fixture
def panel(page: Page) -> Locator:
    page.locator('.lm-TabBar-tab[data-id="slml-panel"]').click()
    panel = page.locator("#slml-panel")
    expect(panel).to_be_visible()
    return panel


def test_showing_the_panel_starts_the_workspace(panel: Locator) -> None:
    expect(panel.locator(".jp-SlmlBanner")).to_have_count(0, timeout=COLD)
    expect(panel).to_contain_text("No jobs yet")
    expect(panel).to_contain_text("No models yet")
    expect(panel).to_contain_text("No endpoints yet")


def test_the_button_runs_the_cell_and_leaves_its_source_alone(page: Page, lab: LabServer, panel: Locator) -> None:
    path = write_notebook(lab, "button.ipynb", "x = 21", PRINTING)
    notebook = NotebookPage(page).open("button.ipynb")
    notebook.run(0)
    notebook.run_as_job(1)
    card = notebook.card(1)
    expect(card).to_contain_text("Succeeded", timeout=COLD)
    expect(card).to_contain_text("answer")
    expect(card).to_contain_text("42")
    row = panel.locator(".jp-SlmlRow").first
    expect(row).to_contain_text("Succeeded")
    row.locator("button.jp-SlmlRow-text").click()
    expect(page.get_by_role("log")).to_contain_text("hello from the job 42")
    NotebookPage(page).activate("button.ipynb").save()
    assert source_on_disk(path, 1) == PRINTING


def test_an_error_names_the_line_that_the_user_sees(page: Page, lab: LabServer, panel: Locator) -> None:
    write_notebook(lab, "line.ipynb", "# one\nvalue = {}\nvalue['missing']")
    notebook = NotebookPage(page).open("line.ipynb")
    notebook.run_as_job(0)
    error = notebook.card(0).locator(".jp-SlmlCard-error")
    expect(error).to_contain_text("KeyError: 'missing'", timeout=COLD)
    expect(error).to_contain_text('In[1]>", line 3,')


def source_on_disk(path: Path, index: int) -> str:
    source = json.loads(path.read_text())["cells"][index]["source"]
    return source if isinstance(source, str) else "".join(source)


def test_the_panel_stops_a_job(page: Page, lab: LabServer, panel: Locator) -> None:
    write_notebook(lab, "stop.ipynb", SLEEPING)
    notebook = NotebookPage(page).open("stop.ipynb")
    notebook.run_as_job(0)
    row = panel.locator(".jp-SlmlRow").first
    expect(row).to_contain_text("Running", timeout=COLD)
    row.hover()
    row.get_by_role("button", name="Stop job").click()
    expect(row).to_contain_text("Stopped", timeout=30_000)
    expect(notebook.card(0)).to_contain_text("Stopped")


def test_curves_phases_and_colours_of_a_running_job(page: Page, lab: LabServer, panel: Locator) -> None:
    write_notebook(lab, "curves.ipynb", LOGGING)
    notebook = NotebookPage(page).open("curves.ipynb")
    notebook.run_as_job(0)
    card = notebook.card(0)
    # While it runs:
    expect(card.get_by_role("img", name="loss from 1 to")).to_be_visible(timeout=COLD)
    expect(card.get_by_label("Where the time went")).to_contain_text("Running")
    card.get_by_role("button", name="Open the log").click()
    tab = page.locator(".jp-SlmlJob")
    expect(tab.get_by_role("img", name="loss from 1 to")).to_be_visible()
    expect(tab.locator(".jp-SlmlAnsi-fg2")).to_have_text("green")
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "job-tab.png", timeout=60_000)
    # After its end the notebook has it for good.
    notebook.activate("curves.ipynb")
    expect(card).to_contain_text("Succeeded", timeout=30_000)
    expect(card.get_by_role("img", name="loss from 1 to 0.05")).to_be_visible()
    notebook.save()
    notebook.close()
    notebook.open("curves.ipynb", kernel=False)
    expect(card.get_by_role("img", name="loss from 1 to 0.05")).to_be_visible()
    expect(card.get_by_label("Where the time went")).to_contain_text("Storing")


def test_a_waiting_job_says_why(page: Page, lab: LabServer, panel: Locator) -> None:
    first = f"%%train --name first --no-wait\n{SLEEPING}"
    write_notebook(lab, "waiting.ipynb", first, "%%train --name second --no-wait --after first\nprint(1)")
    notebook = NotebookPage(page).open("waiting.ipynb")
    notebook.run_as_job(0)
    expect(notebook.card(0)).to_contain_text("Running", timeout=COLD)
    notebook.run_as_job(1)
    row = panel.locator(".jp-SlmlRow").first
    expect(row).to_contain_text("Queued: Waits for first")
    expect(notebook.card(1)).to_contain_text("Waits for first")
    for index in (1, 0):
        notebook.card(index).get_by_role("button", name="Stop").click()
        expect(notebook.card(index)).to_contain_text("Stopped", timeout=30_000)


def test_a_busy_kernel_queues_the_job_and_says_so(page: Page, lab: LabServer, panel: Locator) -> None:
    write_notebook(lab, "busy.ipynb", "import time\nprint('started', flush=True)\ntime.sleep(5)\ny = 5", "print('y is', y)")
    notebook = NotebookPage(page).open("busy.ipynb")
    notebook.run(0)
    expect(notebook.cell(0).locator(".jp-OutputArea-output")).to_contain_text("started")
    notebook.run_as_job(1)
    expect(notebook.notifications()).to_contain_text("The kernel is busy. The job starts when it is free.")
    expect(notebook.card(1)).to_contain_text("Succeeded", timeout=COLD)


def test_a_cell_that_is_not_python_is_refused(page: Page, lab: LabServer) -> None:
    write_notebook(lab, "bash.ipynb", "%%bash\necho no")
    notebook = NotebookPage(page).open("bash.ipynb")
    notebook.run_as_job(0)
    expect(notebook.notifications()).to_contain_text("A cell that starts with %%bash cannot run as a job.")


def test_a_reopened_notebook_shows_its_card_and_the_truth(page: Page, lab: LabServer, panel: Locator) -> None:
    write_notebook(lab, "reopened.ipynb", "print('done')")
    notebook = NotebookPage(page).open("reopened.ipynb")
    notebook.run_as_job(0)
    expect(notebook.card(0)).to_contain_text("Succeeded", timeout=COLD)
    notebook.save()
    notebook.close()
    notebook.open("reopened.ipynb", kernel=False)
    expect(notebook.card(0)).to_contain_text("Succeeded")
    expect(notebook.card(0).get_by_role("button", name="Open the log")).to_be_visible()

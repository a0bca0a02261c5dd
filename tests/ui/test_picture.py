"""The manual's first notebook, run in JupyterLab: what a new user sees, and the README's picture."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.lab import LabServer
from tests.ui.notebook import NotebookPage

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "notebooks" / "01-first-model.ipynb"
#: Where each run leaves its picture, and where the README takes it from. SLML_SCREENSHOT=1 renews the latter.
KEPT = ROOT / "test-results" / "lab.png"
PICTURE = Path(__file__).with_name("screenshots") / "lab.png"


@pytest.mark.slow
def test_the_first_notebook_runs_in_jupyterlab(page: Page, lab: LabServer) -> None:
    content = json.loads(MANUAL.read_text())
    sources = ["".join(cell["source"]) for cell in content["cells"]]
    # Up to the last prediction: the endpoint stays up for the picture.
    end = next(index for index, source in enumerate(sources) if source.startswith("%undeploy"))
    content["cells"] = content["cells"][:end]
    (lab.root / MANUAL.name).write_text(json.dumps(content))
    train = next(index for index, source in enumerate(sources) if source.startswith("%%train"))
    deploy = next(index for index, source in enumerate(sources) if "%deploy late" in source)

    page.locator('.lm-TabBar-tab[data-id="slml-panel"]').click()
    panel = page.locator("#slml-panel")
    expect(panel.locator(".jp-SlmlBanner")).to_have_count(0, timeout=90_000)
    notebook = NotebookPage(page).open(MANUAL.name)
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    # Below the last prediction there is nothing: the panel says when the endpoint is up.
    expect(panel.get_by_label("Endpoints", exact=True)).to_contain_text("Ready", timeout=120_000)
    expect(panel.get_by_label("Models", exact=True)).to_contain_text("late@1")
    expect(panel.get_by_label("Jobs", exact=True)).to_contain_text("auc")
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.model.executionState !== 'running')",
        timeout=120_000,
    )
    notebook.select(deploy)
    expect(notebook.card(deploy)).to_contain_text("Ready")
    notebook.select(train)
    expect(notebook.card(train)).to_contain_text("Succeeded")
    expect(page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]')).to_have_count(0)
    notebook.cell(train).evaluate("cell => cell.scrollIntoView({block: 'center'})")
    keep_picture(page)


def keep_picture(page: Page) -> None:
    KEPT.parent.mkdir(exist_ok=True)
    # A loaded machine may need more than one try.
    page.screenshot(path=KEPT, timeout=60_000)
    if os.environ.get("SLML_SCREENSHOT") == "1":
        PICTURE.parent.mkdir(exist_ok=True)
        shutil.copy(KEPT, PICTURE)

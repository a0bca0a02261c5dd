"""Cards in a reopened notebook: drawn without a kernel, honest about what this workspace does not know."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.ui.lab import LabServer
from tests.ui.notebook import NotebookPage, code_cell, write_notebook


def job_card(**given: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "workspace": "slml-1000-elsewhere",
        "kind": "job",
        "id": "job-0123456789ab",
        "name": "from-elsewhere",
        "state": "succeeded",
        "reason": "",
        "created_at": 1_790_000_000.0,
        "started_at": 1_790_000_001.0,
        "ended_at": 1_790_000_005.5,
        "instance": "cpu.small",
        "metrics": {"auc": 0.87654},
        "registered": "churn@7",
        "outcome": None,
        "log_tail": [],
        "outputs": [{"name": "model", "type": "xgboost.sklearn.XGBClassifier", "format": "xgboost", "size": 123_456}],
        "captures": [],
        "revision": 4,
        "headless": False,
        **given,
    }


FAILED = job_card(
    name="broken",
    state="failed",
    outcome={
        "reason": "exception",
        "message": "KeyError: 'delay'",
        "error": {"ename": "KeyError", "evalue": "'delay'", "traceback": ["\x1b[31mKeyError\x1b[0m: 'delay'"], "line": 3},
    },
)


def test_a_card_is_drawn_without_a_kernel(page: Page, lab: LabServer) -> None:
    later = job_card(schema=99)
    write_notebook(lab, "cards.ipynb", code_cell("a", job_card()), code_cell("b", FAILED), code_cell("c", later))
    notebook = NotebookPage(page).open("cards.ipynb", kernel=False)
    card = notebook.card(0)
    expect(card).to_contain_text("from-elsewhere")
    expect(card).to_contain_text("Succeeded")
    expect(card).to_contain_text("4.5 s")
    expect(card).to_contain_text("0.8765")
    expect(card).to_contain_text("churn@7")
    expect(card).to_contain_text("model (XGBClassifier, 123 KB)")
    expect(notebook.card(1).locator(".jp-SlmlCard-error")).to_have_text("KeyError: 'delay'")
    # Written by a later release: the text of the output is what is left.
    expect(notebook.cell(2).locator(".jp-OutputArea-output")).to_contain_text("a card")


def test_a_job_of_another_workspace_has_no_buttons(page: Page, lab: LabServer) -> None:
    running = job_card(state="running", ended_at=None)
    write_notebook(lab, "foreign.ipynb", code_cell("a", running))
    page.locator('.lm-TabBar-tab[data-id="slml-panel"]').click()
    expect(page.locator("#slml-panel .jp-SlmlBanner")).to_have_count(0, timeout=60_000)
    notebook = NotebookPage(page).open("foreign.ipynb", kernel=False)
    expect(notebook.card(0)).to_contain_text("Running")
    page.wait_for_timeout(500)
    expect(notebook.card(0).get_by_role("button")).to_have_count(0)

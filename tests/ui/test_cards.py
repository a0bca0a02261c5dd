"""Cards in a reopened notebook: drawn without a kernel, honest about what this workspace does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.lab import LabServer
from tests.ui.notebook import NotebookPage, code_cell, write_notebook

RESULTS = Path(__file__).parents[2] / "test-results"


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


def phases(*seconds: float) -> list[dict[str, Any]]:
    names = ["queued", "starting", "preparing", "running", "storing"]
    starts = [1_790_000_000.0 + sum(seconds[:index]) for index in range(len(seconds))]
    return [{"name": name, "start": at, "end": at + took} for name, at, took in zip(names, starts, seconds, strict=False)]


LOSS = [[float(step), 2.71828 / (1 + step)] for step in range(60)]
EVERY_STATE = [
    job_card(
        phases=phases(0.035, 0.012, 0.3, 4.2, 0.08),
        metrics={"auc": 0.87654, "loss": 0.04544, "rows": 336776.0},
        curves={"loss": LOSS, "auc": [[step, 0.9 - value / 6] for step, value in LOSS]},
        captures=[{"name": "flights", "type": "pandas.core.frame.DataFrame", "size": 64_000_000}],
    ),
    job_card(
        name="a-name-that-is-much-longer-than-anybody-would-want-to-read-in-a-notebook-and-has-no-end",
        state="failed",
        phases=phases(1.5, 0.02, 0.4, 600),
        outcome={
            "reason": "exception",
            "message": "KeyError: 'delay'",
            "error": {
                "ename": "KeyError",
                "evalue": "'delay'",
                "traceback": ["\x1b[31mKeyError\x1b[0m", "\x1b[32m----> 3\x1b[0m frame['delay']", "KeyError: 'delay'"],
                "line": 3,
            },
        },
        log_tail=["\x1b[33mwarning:\x1b[0m nothing to see", "epoch 1 " + "." * 300],
    ),
    job_card(
        name="waiting",
        state="queued",
        started_at=None,
        ended_at=None,
        registered=None,
        metrics={},
        outputs=[],
        reason="Waits for a slot with cpu.small (3 ahead of it, about 40 s).",
    ),
    job_card(name="stopped", state="stopped", metrics={}, outputs=[], registered=None, phases=phases(0.03, 0.01, 0.2, 0.5)),
    job_card(name="late", state="timed_out", metrics={}, outputs=[], registered=None, reason="It ran longer than 60 s."),
    job_card(name="gone", state="lost", metrics={}, outputs=[], registered=None, reason="Its host went away."),
]


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


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_state_in_both_themes(page: Page, lab: LabServer, theme: str) -> None:
    """Leaves a picture in test-results for whoever changes a style; what is checked is that nothing is cut off."""
    write_notebook(lab, "states.ipynb", code_cell("a", *EVERY_STATE))
    page.evaluate(f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: {theme!r}}}).then(() => 1)")
    notebook = NotebookPage(page).open("states.ipynb", kernel=False)
    cards = notebook.cell(0).locator(".jp-SlmlCard")
    expect(cards).to_have_count(len(EVERY_STATE))
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"cards-{theme.split()[1].lower()}.png", timeout=60_000)
    for card in cards.all():
        wide = card.evaluate("each => each.scrollWidth - each.clientWidth")
        assert wide <= 0, card.inner_text()


def test_a_job_of_another_workspace_has_no_buttons(page: Page, lab: LabServer) -> None:
    running = job_card(state="running", ended_at=None)
    write_notebook(lab, "foreign.ipynb", code_cell("a", running))
    page.locator('.lm-TabBar-tab[data-id="slml-panel"]').click()
    expect(page.locator("#slml-panel .jp-SlmlBanner")).to_have_count(0, timeout=60_000)
    notebook = NotebookPage(page).open("foreign.ipynb", kernel=False)
    expect(notebook.card(0)).to_contain_text("Running")
    page.wait_for_timeout(500)
    expect(notebook.card(0).get_by_role("button")).to_have_count(0)

"""An endpoint in JupyterLab: its live card, the tab that tries it, the ipywidgets face, and its end."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.ui.lab import LabServer
from tests.ui.notebook import NotebookPage, write_notebook
from tests.ui.test_panel import COLD, RESULTS

TRAIN = """\
%%train --name tiny --register tiny -o model
import pandas as pd
from xgboost import XGBClassifier
rows = pd.DataFrame({"warmth": range(20), "rain": [0, 1] * 10})
model = XGBClassifier(n_estimators=5, max_depth=2).fit(rows, rows["warmth"] > 9)"""
#: The terminal draws on a canvas, so its text is not in the page.
TERMINAL_SAYS = """said => {
  const buffer = window.jupyterapp.shell.currentWidget?.content?._term?.buffer.active;
  const lines = Array.from({length: buffer?.length ?? 0}, (_, row) => buffer.getLine(row).translateToString(true));
  return lines.join("\\n").includes(said);
}"""
DEPLOY = "slml.job('tiny').wait()\nendpoint = %deploy tiny --min 1\nendpoint"


@pytest.mark.slow
def test_an_endpoint_is_tried_watched_and_taken_down(page: Page, lab: LabServer) -> None:
    ask = "for _ in range(20):\n    endpoint.invoke([[1, 0]])"
    write_notebook(lab, "endpoint.ipynb", "%load_ext jupyter_slml", TRAIN, DEPLOY, ask, "endpoint.widget()")
    page.locator('.lm-TabBar-tab[data-id="slml-panel"]').click()
    notebook = NotebookPage(page).open("endpoint.ipynb")
    for index in range(5):
        notebook.run(index)

    card = notebook.card(2)
    expect(card).to_contain_text("Ready", timeout=COLD)
    expect(card).to_contain_text("tiny@1 · 1 replica")
    # The figures are those of the gateway's counters, read while the card is seen.
    expect(card).to_contain_text("requests/s", timeout=30_000)
    face = notebook.cell(4).locator(".jp-OutputArea-output")
    expect(face).to_contain_text("tiny", timeout=30_000)
    expect(face.get_by_role("button", name="Undeploy")).to_be_visible()

    card.get_by_role("button", name="Try it").click()
    form = page.get_by_role("form", name="Try endpoint tiny")
    body = form.get_by_label("Body")
    expect(body).to_have_value(
        '{\n  "columns": [\n    "warmth",\n    "rain"\n  ],\n  "data": [\n    [\n      0,\n      0\n    ]\n  ]\n}'
    )
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_contain_text("200 in")
    expect(form.get_by_role("status")).to_contain_text("predictions")
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "endpoint.png", timeout=60_000)
    # The model's own word about a wrong row comes back as it is.
    body.fill("[[1]]")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_contain_text("422 in")

    # A console, in a terminal that ends with it; the replica goes on.
    notebook.activate("endpoint.ipynb")
    card.get_by_role("button", name="Console").click()
    page.wait_for_function(TERMINAL_SAYS, arg="Ctrl-D leaves it alive", timeout=30_000)
    page.wait_for_function(TERMINAL_SAYS, arg="In [1]:", timeout=30_000)
    page.keyboard.type("40 + len(signature['columns'])\n")
    page.wait_for_function(TERMINAL_SAYS, arg="Out[1]: 42", timeout=30_000)
    page.screenshot(path=RESULTS / "console.png", timeout=60_000)
    page.keyboard.press("Control+d")
    page.wait_for_function(TERMINAL_SAYS, arg="Do you really want to exit", timeout=10_000)
    page.keyboard.type("y\n")
    expect(page.locator(".jp-Terminal")).to_have_count(0, timeout=30_000)

    # The gateway's own page, through the Jupyter server.
    alone = page.context.new_page()
    alone.goto(f"{lab.url}slml/endpoints/tiny/try")
    expect(alone.get_by_role("heading")).to_contain_text("tiny")
    alone.get_by_role("button", name="Predict").click()
    expect(alone.get_by_role("status")).to_contain_text("HTTP 200")
    alone.close()

    notebook.activate("endpoint.ipynb")
    card.get_by_role("button", name="Stop").click()
    # Requests fail from then on, so it is asked first.
    page.get_by_role("dialog").get_by_role("button", name="Take Down").click()
    expect(card).to_contain_text("Stopped", timeout=30_000)
    expect(card.get_by_role("button")).to_have_count(0)
    expect(page.locator("#slml-panel")).to_contain_text("No endpoints yet")

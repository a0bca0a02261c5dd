"""A notebook in the browser, driven the way a user does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from tests.ui.lab import LabServer

MIME_TYPE = "application/vnd.jupyter-slml.job+json"


def code_cell(source: str, *cards: dict[str, Any]) -> dict[str, Any]:
    """A cell as a notebook file has it, with cards among its outputs."""
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {MIME_TYPE: card, "text/plain": "a card"}} for card in cards
    ]
    return {
        "cell_type": "code",
        "id": f"cell-{abs(hash((source, len(cards)))):x}"[:20],
        "metadata": {},
        "execution_count": None,
        "source": source,
        "outputs": outputs,
    }


def write_notebook(lab: LabServer, name: str, *cells: dict[str, Any] | str) -> Path:
    """Strings become code cells."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernelspec, "language_info": {"name": "python"}},
        "cells": [code_cell(cell) if isinstance(cell, str) else cell for cell in cells],
    }
    path = lab.root / name
    path.write_text(json.dumps(content))
    return path


class NotebookPage:
    """The notebook that is open in `page`."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, name: str, *, kernel: bool = True) -> NotebookPage:
        preference = "undefined" if kernel else "{shouldStart: false, canStart: false}"
        self.page.evaluate(
            f"void window.jupyterapp.commands.execute('docmanager:open', "
            f"{{path: {name!r}, factory: 'Notebook', kernelPreference: {preference}}})"
        )
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").first.wait_for()
        if kernel:
            self.page.evaluate(
                "(async () => { const panel = window.jupyterapp.shell.currentWidget;"
                " await panel.context.ready; await panel.sessionContext.ready;"
                " await panel.sessionContext.session.kernel.info; return 1 })()"
            )
        return self

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(index)

    def card(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-SlmlCard")

    def select(self, index: int) -> None:
        self.cell(index).locator(".jp-InputPrompt").click()

    def run(self, index: int) -> None:
        """Run in the kernel, as Ctrl+Enter does."""
        self.select(index)
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-cell')")

    def run_as_job(self, index: int) -> None:
        """Press the cell's own button."""
        self.select(index)
        self.cell(index).locator('[data-jp-item-name="slml-run"]').click()

    def activate(self, name: str) -> NotebookPage:
        """Bring an open notebook to the front again."""
        self.page.evaluate(f"window.jupyterapp.commands.execute('docmanager:open', {{path: {name!r}}}).then(() => 1)")
        return self

    def save(self) -> None:
        self.page.evaluate("window.jupyterapp.commands.execute('docmanager:save').then(() => 1)")

    def close(self) -> None:
        self.page.evaluate("void window.jupyterapp.shell.currentWidget.dispose()")

    def notifications(self) -> Locator:
        """What Lab was told to notify. Lab sometimes loses the toast of a page's first notification; the list it keeps."""
        self.page.locator(".jp-Notification-Status [role=button]").click()
        return self.page.locator(".jp-Notification-List")

"""The side panel in a real JupyterLab."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_the_panel_has_a_tab_in_the_left_bar(page: Page) -> None:
    tab = page.locator('.lm-TabBar-tab[data-id="slml-panel"]')
    expect(tab).to_be_visible()
    tab.click()
    expect(page.locator("#slml-panel")).to_be_visible()

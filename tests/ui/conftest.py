"""A browser and a JupyterLab for the tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.ui.lab import LabServer

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
REMEDY = (
    "no chromium found: install it with `apt-get install --no-install-recommends chromium "
    "fonts-dejavu-core`, or name one in the environment variable SLML_CHROMIUM"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path. Missing: skipped on a desk, a failure in CI."""
    named = os.environ.get("SLML_CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser")
    if found and Path(found).exists():
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(REMEDY)
    pytest.skip(REMEDY)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Per module: Playwright's synchronous face keeps an event loop running in this thread, and
    tests elsewhere want to start their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    # Behind a prefix, as under JupyterHub: a hard-coded path would fail here.
    server = LabServer(tmp_path_factory.mktemp("lab"), base_url="/hub/u1/")
    server.start()
    yield server
    server.stop()
    # The workspace outlives the Jupyter server by design; a test must not.
    subprocess.run(
        [Path(sys.executable).with_name("jupyter-slml"), "stop"],
        env=server.environment,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture
def page(browser: Browser, lab: LabServer) -> Iterator[Page]:
    """JupyterLab, loaded and restored."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(25_000)
    open_lab(page, lab)
    yield page
    context.close()


def open_lab(page: Page, lab: LabServer) -> None:
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_function("!!window.jupyterapp")
    page.evaluate("window.jupyterapp.restored.then(() => 1)")

"""A real IPython shell whose namespace is `__main__`, as in a kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.unit.notebook.notebook import Notebook
from tests.unit.notebook.platform import Platform


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    work = tmp_path / "notebook"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(str(work))
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    yield made
    assert made.history_manager is not None
    made.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(shell: InteractiveShell, tmp_path: Path) -> Notebook:
    return Notebook(shell, tmp_path)


@pytest.fixture
def platform(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """The extension, loaded, with a platform in memory behind it. Nobody looks: cells wait."""
    monkeypatch.setenv("SLML_HEADLESS", "1")
    made = Platform()
    monkeypatch.setattr("jupyter_slml.client.connect", lambda **_: made)
    shell.run_line_magic("load_ext", "jupyter_slml")
    return made

"""Who looks, and who does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_slml.notebook.surroundings import look_around


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    for name in ("SLML_HEADLESS", "SLML_NOTEBOOK", "JPY_SESSION_NAME", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    return SimpleNamespace(kernel=object(), user_ns={})


def started_by(monkeypatch: pytest.MonkeyPatch, *words: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *words])
    monkeypatch.setenv("JPY_PARENT_PID", str(process.pid))
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"\0".join(os.fsencode(word) for word in words))
    return process


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("python", "/bin/jupyter-lab", "--no-browser"), "lab"),
        (("python", "-m", "jupyterlab"), "lab"),
        (("/envs/papermill/bin/python", "/envs/papermill/bin/jupyter-lab", "--notebook-dir=/papermill"), "lab"),
        (("python", "/bin/papermill", "a.ipynb"), "headless"),
        (("python", "-m", "nbclient"), "headless"),
        (("python", "-m", "ipykernel_launcher"), "headless"),
    ],
)
def test_the_starter_is_looked_at_before_the_session_is_believed(
    kernel: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], place: str
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/a.ipynb")
    process = started_by(monkeypatch, *words)
    found = look_around(kernel)
    process.kill()
    process.wait()
    assert found.place == place, found.why
    assert found.notebook == Path("/home/me/a.ipynb")


def test_without_a_session_nobody_looks(kernel: SimpleNamespace) -> None:
    assert look_around(kernel).headless


def test_vscode_names_its_notebook(kernel: SimpleNamespace) -> None:
    kernel.user_ns["__vsc_ipynb_file__"] = "/w/b.ipynb"
    found = look_around(kernel)
    assert found.place == "vscode" and found.notebook == Path("/w/b.ipynb")


@pytest.mark.parametrize(("value", "headless"), [("1", True), ("0", False)])
def test_the_variable_overrides(
    kernel: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, value: str, headless: bool
) -> None:
    monkeypatch.setenv("SLML_HEADLESS", value)
    assert look_around(kernel).headless is headless

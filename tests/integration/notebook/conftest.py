"""A workspace of its own, and notebooks that run in real kernels beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import leave, running
from jupyter_slml.settings import HOME_VARIABLE, workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`SLML_HOME` of a fresh workspace; everything in it ends with the module."""
    home = tmp_path_factory.mktemp("workspace") / "home"
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(home)
    place = workspace(home)
    yield home
    if running(place) is not None:
        leave(place, drain=False)
    if before is None:
        del os.environ[HOME_VARIABLE]
    else:
        os.environ[HOME_VARIABLE] = before


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[Client]:
    made = connect(home, start=True)
    yield made
    made.close()


class Runner:
    """Runs cells as nbclient does: nobody looks, so `%%train` waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *cells: str, **options: Any) -> nbformat.NotebookNode:
        sources = ("%load_ext jupyter_slml", *cells)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        place = {"metadata": {"path": str(self.folder)}}
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place, **options).execute()
        return notebook


@pytest.fixture
def run(client: Client, tmp_path: Path) -> Runner:
    folder = tmp_path / "notebook"
    folder.mkdir()
    return Runner(folder)


def texts(cell: nbformat.NotebookNode) -> str:
    """Everything that a cell's outputs say as text."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append("\n".join(output.traceback))
        else:
            parts.append(output.data.get("text/plain", ""))
    return "\n".join(parts)

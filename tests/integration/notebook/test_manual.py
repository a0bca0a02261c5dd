"""The manual's first chapter, under stock papermill."""

from __future__ import annotations

import json
from pathlib import Path

import papermill
import pytest

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "01-first-model.ipynb"


def test_it_has_no_stored_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)


@pytest.mark.slow
def test_the_first_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    done = papermill.execute_notebook(
        str(NOTEBOOK), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False, cwd=str(tmp_path)
    )
    text = done.cells[-1].outputs[0].text
    facts = json.loads(text.removeprefix("SLML-DEMO "))
    assert facts["auc"] > 0.8 and facts["train_rows"] > 250_000
    assert facts["version"] == "late@1" and facts["rows_checked"] == 5000 and facts["max_difference"] < 1e-6

"""The manual's chapters, under stock papermill."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import papermill
import pytest

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))


def execute(name: str, folder: Path) -> Any:
    return papermill.execute_notebook(
        str(NOTEBOOKS / name), str(folder / "out.ipynb"), kernel_name="python3", progress_bar=False, cwd=str(folder)
    )


def said(notebook: Any, source: str) -> str:
    """What the cell that contains `source` printed or showed as text."""
    (cell,) = [cell for cell in notebook.cells if source in cell.source and cell.cell_type == "code"]
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
        if output.output_type != "error"
    )


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_it_has_no_stored_outputs(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)


@pytest.mark.slow
def test_the_first_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    done = execute("01-first-model.ipynb", tmp_path)
    text = done.cells[-1].outputs[0].text
    facts = json.loads(text.removeprefix("SLML-DEMO "))
    assert facts["auc"] > 0.8 and facts["train_rows"] > 250_000
    assert facts["version"] == "late@1" and facts["rows_checked"] == 5000 and facts["max_difference"] < 1e-6


@pytest.mark.slow
def test_the_second_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    done = execute("02-jobs-that-hold.ipynb", tmp_path)
    took = time.monotonic() - begun
    assert "2 attempts, the last one began with epoch 4" in said(done, "job.record.attempts")
    assert "epoch 7" in said(done, "%logs steady")
    limits = said(done, "for name in")
    assert "endless: timed_out" in limits and "greedy: failed" in limits and "memory" in limits
    assert said(done, "long.wait(30)").strip() == "stopped"
    assert said(done, 'slml.job("count").result()').strip() == "435"
    difference = said(done, "%jobs diff")
    for part in ("-slml.log(score=depth * sum(scale))", "+slml.log(score=depth + sum(scale))", "depth", "scale", "score"):
        assert part in difference
    assert took < 60


@pytest.mark.slow
def test_the_third_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    done = execute("03-registry.ipynb", tmp_path)
    assert "no version is in production yet" in said(done, "%promote bikes@1 production")
    failed = said(done, "except GateFailed")
    assert "auc >= 0.999 (auc = 0." in failed and "Nothing was changed" in failed
    promoted = said(done, "%promote bikes@2 production")
    assert "bikes@2: candidate → production" in promoted and "bikes@1: production → archived" in promoted
    assert said(done, 'slml.models.get("bikes@champion")').strip() == "2"
    assert "bikes@1: archived → production" in said(done, "%rollback bikes --reason")
    difference = said(done, "%models diff")
    assert "rain" in difference and "auc" in difference and "season: spring → summer" in difference
    log = said(done, "%models bikes --log")
    assert "complaints from the north (takes back" in log and "the first one" in log
    card = (tmp_path / "card.html").read_text()
    assert "held-back" in card and "<svg" in card and "<script" not in card
    assert "bikes@1 cannot be deleted: it is in production" in said(done, "except Conflict")
    assert "bikes@2 is deleted" in said(done, "%models delete")


@pytest.mark.slow
def test_the_fourth_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    done = execute("04-endpoints.ipynb", tmp_path)
    assert '{"predictions":[0.' in said(done, "TOKEN = Path") and "unknown 'wind'; missing 'rain'" in said(done, "HTTPError")
    assert "sleeping" in said(done, "deadline = monotonic()") and "from zero to the answer" in said(done, "from zero to")
    assert "answers, none of them an error" in said(done, "ThreadPoolExecutor(8)")
    decisions = said(done, "%endpoint rides --decisions")
    assert "0 → 1" in decisions and "requests in flight, 2 for each replica" in decisions
    assert "90 % rides@1, 10 % rides@2" in said(done, "%deploy rides@2")
    assert "rides: ready · rides@2" in said(done, "%traffic rides rides@2=100")
    assert "90 % rides@1, 10 % rides@2" in said(done, "%rollback --endpoint rides")
    broken = said(done, "except DeployFailed")
    assert "my table of prices is missing" in broken and "The old revision goes on answering" in broken
    assert said(done, "%%console rides").strip() == "XGBClassifier 40 trees"
    # The secret of the token is in its file alone.
    assert (tmp_path / "rides.token").read_text().strip() not in (tmp_path / "out.ipynb").read_text()
    assert "rides: stopped" in said(done, "%undeploy rides")


@pytest.mark.slow
def test_the_sixth_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    done = execute("06-batch.ipynb", tmp_path)
    assert "bikes-of-days: succeeded" in said(done, "%batch bikes --input days --output busy")
    assert "prediction" in said(done, "job.preview(5)")
    parts = said(done, "job.parts[[")
    assert parts.count("committed") == 4 and "part-00003.parquet" in parts
    names = said(done, "sorted(path.name for path in")
    assert names.startswith("['_SUCCESS'") and names.endswith("'part-00003.parquet']")
    assert "200000" in said(done, 'pd.read_parquet("busy")')
    assert "of 'process'" in said(done, 'slml.job("slow").wait()\nexcept')
    assert "stopped after" in said(done, "_ = slow.stop()")
    assert said(done, 'found = pd.read_parquet("slow")').strip() == "200000 rows, 200000 different ones"
    bad = said(done, "lines[17] =")
    assert "--max-errors allows 0" in bad and "'warm' is not a number" in bad
    errors = said(done, "--max-errors 1% --overwrite")
    assert "'warm' is not a number" in errors and "it has 1 values, and there are 2 columns" in errors
    assert '"prediction":' in said(done, "from_csv/part-00000.jsonl")
    assert "id" in said(done, "SageMakerOutput") and "warmth" not in said(done, "SageMakerOutput")


def test_the_tuning_chapter_tells_the_truth(home: Path, tmp_path: Path) -> None:
    done = execute("05-tuning.ipynb", tmp_path)
    assert "Lines 1–5 run once" in said(done, "%%tune --name forest")
    assert "forest@1 Booster" in said(done, "print(job.registered")
    assert said(done, "job.study.best_trial").strip() == "True"
    assert "'pruned': " in said(done, 'slml.job("pruned")')
    rough = said(done, 'slml.job("rough").trials')
    for part in ("SIGSEGV", "ValueError: this one does not work (line 7 of the cell)", "loss is nan."):
        assert part in rough
    assert "complete, value=" in said(done, 'slml.job("study").best')
    front = said(done, "balance.front")
    assert "among them the best: True" in front and "XGBClassifier" in front
    assert said(done, "again = slml.job").strip() == "True succeeded"

"""A model's life by the command line: registered, promoted behind a gate, rolled back, described, deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .conftest import Site

TRAINS = """
import numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(60, 2))
model = xgboost.XGBClassifier(n_estimators=3).fit(rows, rows[:, 0] > 0)
slml.log(auc=AUC)
"""


def test_from_a_job_to_production_and_back(shared: Site, tmp_path: Path) -> None:
    def run(*words: str) -> str:
        code, out, err = call(*words)
        assert code == 0, (words, out, err)
        return out

    def refused(*words: str) -> str:
        code, out, err = call(*words)
        assert (code, out) == (1, "") and "Traceback" not in err, (words, out, err)
        return err

    def call(*words: str) -> tuple[int, str, str]:
        environment = {**os.environ, "SLML_HOME": str(shared.place.home)}
        command = [sys.executable, "-c", "from jupyter_slml.cli import main; main()", "models", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        return done.returncode, done.stdout, done.stderr

    for auc in ("0.8", "0.9"):
        job = shared.finish(shared.submit(TRAINS.replace("AUC", auc), name="fit", outputs=["model"]))
        assert run("register", "churn", "--job", job.id, "--tag", f"auc={auc}").startswith("churn@")
    assert run("promote", "churn@1", "production", "-m", "first") == "churn@1: candidate -> production\n"
    gate = "auc >= 0.85 and auc > production.auc"
    assert "auc >= 0.95 (auc = 0.9)" in refused("promote", "churn@2", "production", "--if", "auc >= 0.95")
    assert "has no metric 'f1'" in refused("promote", "churn@2", "production", "--if", "f1 > 0")
    assert "holds: auc > production.auc" in run("promote", "churn@2", "production", "--if", gate)
    run("approve", "churn@2", "-m", "seen")
    run("promote", "churn@2", "champion")
    assert "churn@1: archived -> production" in run("rollback", "churn", "-m", "worse")
    run("reject", "churn@2", "-m", "drifts")
    assert "was rejected" in refused("promote", "churn@2", "staging")
    assert "no version 9" in refused("show", "churn@9")
    assert "what champion points at" in refused("delete", "churn@2")
    assert "auc=0.9" in run("churn@2") and "champion" in run()
    assert json.loads(run("churn", "--json"))["versions"][1]["stage"] == "production"
    assert "worse (takes back 2)" in run("churn", "--log")
    assert "auc" in run("diff", "churn@1", "churn@2")
    run("card", "churn@1", "-o", str(tmp_path / "card.html"))
    assert "first" in (tmp_path / "card.html").read_text()
    run("unalias", "churn@champion")
    assert run("delete", "churn@2") == "Deleted: churn@2\n"
    for name in ("diff", "resolve", "import"):
        assert run("register", name, "--job", "fit").startswith(f"{name}@1")
        assert f"{name}@1" in run("show", name) and name in run("show", f"{name}@1")

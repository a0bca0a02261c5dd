"""Endpoints in a notebook: each magic once, and the same in Python."""

from __future__ import annotations

import re

from tests.integration.notebook.conftest import Runner, texts

DATA = "import numpy as np\nX = np.random.default_rng(0).normal(size=(80, 2))\ny = X[:, 0] > 0"
TRAIN = """%%train --name fit -o model --register churn
import xgboost
model = xgboost.XGBClassifier(n_estimators=3).fit(X, y)
"""
PYTHON = """live = slml.endpoints.get('live')
live.traffic({1: 100})
print(slml.endpoints.rollback('live').scale(0, 1).name)
print(live.revisions(1), live.decisions(), sep=chr(10))
"""


def test_deployed_shared_scaled_and_rolled_back(run: Runner) -> None:
    done = run(
        DATA,
        TRAIN,
        "%deploy churn@1 --name live --min 1\nslml.endpoints.deploy(slml.models.get('churn@1'), name='live', weight=10)",
        "%endpoint live",
        "%traffic live 1=60 2=40",
        "shares = {2: 100}\n%traffic live $shares",
        "%rollback --endpoint live",
        "%traffic live",
        "%scale live --min 1 --max 2",
        "%endpoint live --decisions",
        "%endpoints",
        "%invoke live --rows {X[:2]}",
        PYTHON,
        "%undeploy live",
        "%endpoint live",
        allow_errors=True,
    )
    said = [texts(cell) for cell in done.cells]
    assert "shares      90 % churn@1, 10 % churn@1" in said[4] and "cold starts" in said[4] and "cost so far" in said[4]
    (card,) = [output.data for output in done.cells[4].outputs]
    assert "<script" not in card["text/html"] and "90 % churn@1" in card["text/html"]
    assert "60 % churn@1, 40 % churn@1" in said[5]
    assert "shares" not in said[6] and "60 % churn@1, 40 % churn@1" in said[7]
    assert re.search(r"2 +churn@1 +40 %.*\n1 +churn@1 +60 %", said[8])
    assert "ready" in said[9] and "replicas" in said[10] and "live" in said[11]
    assert "array([" in said[12]
    assert said[13].startswith("live\n") and "churn@1" in said[13]
    assert "stopped" in said[14] and "There is no endpoint 'live'" in said[15]


def test_tokens_are_shown_once(run: Runner) -> None:
    done = run(
        "%tokens create caller --scope metrics --expires 1h",
        "token = slml.tokens.create('mine', expires='30d')\ntoken",
        "%tokens",
        "print(token.secret.startswith('slml_'), len(token.secret))\nslml.tokens.delete('mine')\n%tokens delete caller",
        "slml.tokens",
    )
    said = [texts(cell) for cell in done.cells]
    assert re.search(r"slml_[\w-]{43}\b", said[1]) and "shown this once" in said[1]
    assert "slml_" not in said[2] and "never" not in said[2] and "all endpoints" in said[2]
    assert "slml_" not in said[3] and "caller" in said[3] and "metrics" in said[3]
    assert "True 48" in said[4] and "No tokens but the workspace's own" in said[5]


def test_mistakes_are_told(run: Runner) -> None:
    mistakes = {
        "%traffic nothing 1=60 2=40": "There is no endpoint 'nothing'.",
        "%traffic": "%traffic needs ENDPOINT.",
        "%scale live": "%scale needs --min, --max or both.",
        "%tokens forget": "%tokens does not know 'forget'.",
        "%tokens create": "%tokens create takes one name, and 0 are given.",
        "%deploy churn --weigth 5": "Did you mean --weight?",
        "%rollback churn --endpoint churn": "either a model or --endpoint",
    }
    done = run(*mistakes, allow_errors=True)
    for cell, message in zip(done.cells[1:], mistakes.values(), strict=True):
        assert message in texts(cell) and "Traceback" not in texts(cell)

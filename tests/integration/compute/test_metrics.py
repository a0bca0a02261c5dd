"""Metrics that nobody logged by hand: autolog and metric patterns, in real children."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_slml.domain.states import AttemptState

pytestmark = pytest.mark.anyio

DATA = "import numpy as np\nrandom = np.random.default_rng(0)\nX = random.random((400, 4)); y = (X[:, 0] > .5).astype(int)\n"


@pytest.fixture
def points(follow: Any, order: Any, blobs: Any, log: Any) -> Any:
    async def run(source: str, **more: Any) -> tuple[list[tuple[int | None, dict[str, float]]], str]:
        asked = order(source, **more)
        outcome = await (await follow(asked)).outcome()
        assert outcome.state is AttemptState.SUCCEEDED, outcome
        keys = blobs.list(f"attempts/{asked.id}/metrics")
        lines = [json.loads(line) for key in keys for line in blobs.get(key).splitlines()]
        return [(line["step"], line["values"]) for line in lines], log(asked.id)

    return run


async def test_xgboost_with_evaluation_sets(points: Any) -> None:
    source = DATA + (
        "import xgboost\nfrom xgboost import train\nd = xgboost.DMatrix(X, y)\n"
        "booster = train({'objective': 'binary:logistic'}, d, 3, evals=[(d, 'train')], verbose_eval=False)\n"
        "model = xgboost.XGBClassifier(n_estimators=50, early_stopping_rounds=2, eval_metric=['auc', 'logloss'])\n"
        "model.fit(X, y, eval_set=[(X, y)], verbose=False)\nbest = model.best_iteration\n"
        "xgboost.cv({'objective': 'binary:logistic'}, d, 2, nfold=2)\n"
        "xgboost.XGBClassifier(n_estimators=3).fit(X, y)"
    )
    found, text = await points(source)
    assert text == ""
    native = [item for item in found if "train-logloss" in item[1]]
    assert [step for step, _ in native] == [0, 1, 2]
    face = [item for item in found if "validation_0-auc" in item[1]]
    assert [step for step, _ in face] == list(range(len(face))) and len(face) >= 3
    assert face[0][1].keys() == {"validation_0-auc", "validation_0-logloss"}
    assert [step for step, values in found if "test-logloss-mean" in values] == [0, 1]


async def test_scikit_learn(points: Any) -> None:
    source = DATA + (
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "from sklearn.model_selection import GridSearchCV, cross_val_score\nimport sklearn.svm\n"
        "pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)\n"
        "search = GridSearchCV(LogisticRegression(), {'C': [.1, 1., 10.]}, cv=2).fit(X, y)\n"
        "scores = cross_val_score(LogisticRegression(), X, y, cv=4)\n"
        "svm = sklearn.svm.LinearSVC().fit(X, y)\n"
        "class Mine(LogisticRegression):\n  def fit(self, X, y): return super().fit(X, y)\n"
        "mine = Mine().fit(X, y)"
    )
    found, text = await points(source)
    assert text == ""
    scores = [values["training_score"] for _, values in found if "training_score" in values]
    assert len(scores) == 3 and min(scores) > 0.9
    assert [step for step, values in found if "mean_test_score" in values] == [0, 1, 2]
    assert len([1 for _, values in found if "best_cv_score" in values]) == 1
    assert [step for step, values in found if "cv_score" in values] == [0, 1, 2, 3]
    assert len([1 for _, values in found if "cv_score_mean" in values]) == 1


async def test_what_the_cell_logs_itself_is_its_own(points: Any) -> None:
    source = DATA + (
        "from sklearn.linear_model import LogisticRegression\nslml.log(training_score=.25)\nLogisticRegression().fit(X, y)"
    )
    found, _ = await points(source)
    assert found == [(None, {"training_score": 0.25})]


async def test_without_autolog_nothing_is_wrapped(points: Any) -> None:
    source = DATA + (
        "import xgboost\nfrom sklearn.linear_model import LogisticRegression\nLogisticRegression().fit(X, y)\n"
        "kinds = [xgboost.train.__code__.co_filename, LogisticRegression.fit.__code__.co_filename]\n"
        "assert 'autolog' not in str(kinds), kinds"
    )
    assert (await points(source, autolog=False))[0] == []


async def test_autolog_never_breaks_a_call(points: Any) -> None:
    source = DATA + (
        "from sklearn.linear_model import LogisticRegression\n"
        "class Odd(LogisticRegression):\n  def score(self, *a, **k): raise ValueError('odd')\n"
        "model = Odd().fit(X, y)\nagain = Odd().fit(X, y)"
    )
    found, text = await points(source)
    assert found == []
    assert text == "slml autolog stopped: ValueError: odd\n"


async def test_patterns_read_printed_lines(points: Any) -> None:
    source = (
        "import sys\nfor i in range(3): print(f'epoch {i}: loss=', 1 / (i + 1), sep='')\n"
        "print('auc: 0.9', file=sys.stderr)\nprint('auc: high')\n!echo 'auc: 0.95'"
    )
    found, _ = await points(source, metric_patterns={"loss": r"loss=([\d.e-]+)", "auc": r"auc: (\S+)"})
    assert [(step, values["loss"]) for step, values in found if "loss" in values] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert [values["auc"] for _, values in found if "auc" in values] == [0.9, 0.95]


async def test_a_pattern_that_takes_forever_is_given_up(points: Any) -> None:
    source = "for i in range(3): print('a' * 3000 + f'! loss={i}')\nprint('done')"
    found, text = await points(source, metric_patterns={"typo": r"(a+)+$", "loss": r"loss=(\S+)"})
    assert [values["loss"] for _, values in found] == [0.0, 1.0, 2.0]
    assert "no longer looks for the metric 'typo': its regular expression (a+)+$" in text
    assert text.endswith("done\n")


async def test_lightgbm_if_it_is_there(points: Any) -> None:
    pytest.importorskip("lightgbm")
    source = DATA + (
        "import lightgbm\nd = lightgbm.Dataset(X, y)\n"
        "booster = lightgbm.train({'objective': 'binary', 'verbose': -1}, d, 3, valid_sets=[d], valid_names=['train'])\n"
        "model = lightgbm.LGBMClassifier(n_estimators=4, verbose=-1).fit(X, y, eval_set=[(X[:9], y[:9])])"
    )
    found, text = await points(source)
    assert "autolog" not in text
    assert [step for step, values in found if "train-binary_logloss" in values] == [0, 1, 2]
    assert [step for step, values in found if "valid_0-binary_logloss" in values] == [0, 1, 2, 3]


async def test_a_name_that_is_no_text_does_not_end_the_attempt(points: Any) -> None:
    """Half a surrogate pair can be the name of a keyword, and cannot be stored: it becomes a question mark."""
    found, _ = await points("slml.log(**{'a\\ud800': 1.0, 'b': 2.0})")
    assert found == [(None, {"a?": 1.0, "b": 2.0})]

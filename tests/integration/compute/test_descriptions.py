"""What a job says of the models that it leaves: ranges and counts of their training rows, and its environment."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.domain.outcomes import Artifact, Outcome
from jupyter_slml.domain.states import AttemptState

pytestmark = pytest.mark.anyio

DATA = (
    "import numpy as np, pandas as pd, xgboost\nrandom = np.random.default_rng(0)\n"
    "X = pd.DataFrame({'a': random.normal(size=600), 'b': random.integers(0, 3, 600)}); y = (X.a > 0).astype(int)\n"
)


@pytest.fixture
def left(follow: Any, order: Any, blobs: Any) -> Any:
    async def run(source: str, *outputs: str, **more: Any) -> tuple[Outcome, dict[str, Artifact], Any]:
        outcome = await (await follow(order(DATA + source, outputs=list(outputs), **more))).outcome()
        assert outcome.state is AttemptState.SUCCEEDED, outcome
        found = {item.name: item for item in outcome.outputs}
        counts = {
            name: json.loads(b"".join(blobs.read(item.baseline)))
            for name, item in found.items()
            if item.baseline is not None
        }
        return outcome, found, counts

    return run


async def test_signature_counts_and_environment(left: Any) -> None:
    source = (
        "X.loc[3, 'a'] = None\nmodel = xgboost.XGBClassifier(n_estimators=5).fit(X, y)\n"
        "X['a'] = 0.0; X.drop(columns='b', inplace=True)"
    )
    outcome, found, counts = await left(source, "model", "y")
    signature: Any = found["model"].signature
    assert signature["columns"] == ["a", "b"] and signature["task"] == "binary"
    # What the cell did to its frame after the fit does not matter.
    assert [(item["name"], item["dtype"], item["nulls"]) for item in signature["inputs"]] == [
        ("a", "float64", 1),
        ("b", "int64", 0),
    ]
    assert signature["inputs"][1]["min"] == 0 and signature["inputs"][1]["max"] == 2
    assert counts["model"]["rows"] == 600 and len(counts["model"]["features"]["a"]["counts"]) == 10
    assert sum(counts["model"]["features"]["b"]["counts"]) == 600 and counts["model"]["features"]["a"]["nulls"] == 1
    assert counts["model"]["prediction"]["kind"] == "numeric" and 0 <= counts["model"]["prediction"]["min"] <= 1
    assert found["y"].signature is None and "y" not in counts
    import xgboost

    assert outcome.environment["python"] == platform.python_version()
    assert outcome.environment["xgboost"] == xgboost.__version__ and "numpy" in outcome.environment


async def test_every_road_to_a_model(left: Any) -> None:
    source = (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.compose import make_column_transformer\n"
        "from sklearn.preprocessing import OneHotEncoder\nfrom sklearn.linear_model import LogisticRegression\n"
        "from sklearn.model_selection import GridSearchCV\nX['c'] = np.where(X.b == 0, 'x', 'y')\n"
        "columns = make_column_transformer((OneHotEncoder(), ['c']), remainder='passthrough')\n"
        "pipe = make_pipeline(columns, LogisticRegression()).fit(X, y)\n"
        "search = GridSearchCV(LogisticRegression(), {'C': [.1, 1.]}, cv=2).fit(X[['a', 'b']], y)\n"
        "best = search.best_estimator_\n"
        "booster = xgboost.train({'objective': 'binary:logistic'}, xgboost.DMatrix(X[['a', 'b']], y), 3)\n"
        "matrix = LogisticRegression().fit(X[['a', 'b']].to_numpy(), y)\n"
        "unseen = LogisticRegression()\n"
    )
    _, found, counts = await left(source, "pipe", "search", "best", "booster", "matrix", "unseen")
    assert counts.keys() == {"pipe", "search", "best", "booster", "matrix"}
    pipe: Any = found["pipe"].signature
    assert pipe["inputs"][2] == {"name": "c", "dtype": "string", "nulls": 0, "values": ["x", "y"]}
    assert counts["pipe"]["features"]["c"]["kind"] == "categorical"
    assert counts["booster"]["features"].keys() == {"a", "b"} and counts["matrix"]["features"].keys() == {"f0", "f1"}
    assert all(item["prediction"]["nulls"] == 0 for item in counts.values())


async def test_lightgbm(left: Any) -> None:
    pytest.importorskip("lightgbm")
    source = (
        "import lightgbm\nface = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)\n"
        "booster = lightgbm.train({'verbose': -1}, lightgbm.Dataset(X, y), 3)\n"
    )
    _, found, counts = await left(source, "face", "booster")
    assert {item.format for item in found.values()} == {"lightgbm"}
    assert counts["face"]["features"].keys() == counts["booster"]["features"].keys() == {"a", "b"}


async def test_a_large_frame_is_sampled_and_its_ends_are_not(left: Any) -> None:
    source = (
        "from sklearn.linear_model import SGDClassifier\nL = random.normal(size=(300_000, 2)); L[7, 0] = 1000.0\n"
        "model = SGDClassifier(max_iter=3, tol=None).fit(L, L[:, 1] > 0)"
    )
    _, found, counts = await left(source, "model")
    signature: Any = found["model"].signature
    assert signature["inputs"][0]["max"] == 1000.0
    assert counts["model"]["rows"] == 100_000 and counts["model"]["trained_rows"] == 300_000


async def test_without_autolog_there_is_no_baseline(left: Any) -> None:
    _, found, counts = await left("model = xgboost.XGBClassifier(n_estimators=2).fit(X, y)", "model", autolog=False)
    assert counts == {} and found["model"].signature is not None and "inputs" not in found["model"].signature


async def test_a_directory_with_handlers_is_an_output(left: Any, tmp_path: Path) -> None:
    source = (
        "from pathlib import Path\nserver = Path('server'); server.mkdir()\n"
        "(server / 'inference.py').write_text('def model_fn(d): return 1\\n')\nplain = Path('plain'); plain.mkdir()"
    )
    _, found, _ = await left(source, "server", "plain")
    assert found["server"].format == "handlers" and found["plain"].format == "cloudpickle"

"""A model's life after its training: registered in any format, evaluated, served."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbclient.exceptions import CellExecutionError

from jupyter_slml.client import Client
from jupyter_slml.domain.figures import FIGURES
from tests.integration.notebook.conftest import Runner, texts

DATA = (
    "import numpy as np, pandas as pd\nrandom = np.random.default_rng(0)\n"
    "X = pd.DataFrame({'a': random.normal(size=800), 'b': random.normal(size=800)})\n"
    "y = (X.a + random.normal(size=800) / 2 > 0).astype(int)\nX.assign(late=y)[600:].to_csv('test.csv', index=False)"
)


def test_evaluations_become_evidence(run: Runner, client: Client) -> None:
    done = run(
        DATA,
        "%%train --name fit -o model --register late\nimport xgboost\n"
        "model = xgboost.XGBClassifier(n_estimators=20).fit(X[:600], y[:600])",
        "%evaluate late@1 --input test.csv --target late",
        "held = X.assign(late=np.where(y, 1.0, 0.0))[600:]\njob = slml.models.evaluate('late', held, 'late', name='held')\n"
        "print(sorted(job.metrics), job.record.spec.evaluates)",
    )
    drawn = [output.data for output in done.cells[3].outputs if "image/svg+xml" in output.get("data", {})]
    assert len(drawn) == 5 and any("ROC" in data["image/svg+xml"] for data in drawn)
    assert "'auc'" in texts(done.cells[4]) and "late@1" in texts(done.cells[4])
    found = client.models.evidence("late", 1).evidence
    assert [item.name for item in found] == ["held", "late-on-test"]
    assert found[0].metrics == pytest.approx(found[1].metrics) and 0.8 < found[0].metrics["auc"] <= 1
    assert found[0].curves is not None
    figures = FIGURES.validate_json(client.blobs.get(found[0].curves))
    assert figures.keys() == {"roc", "pr", "confusion", "calibration", "importance"}


def test_evaluations_that_cannot_be(run: Runner) -> None:
    def refusal(*cells: str) -> str:
        with pytest.raises(CellExecutionError) as caught:
            run(DATA, *cells)
        return str(caught.value)

    train = (
        "%%train --name fit2 -o model --register late2\nfrom sklearn.linear_model import LogisticRegression\n"
        "model = LogisticRegression().fit(X, y)"
    )
    assert "no column 'nothing'" in refusal(train, "%evaluate late2 --input test.csv --target nothing")
    assert "no column 'a'" in refusal("%evaluate late2 --input {X[['b']].assign(late=y)} --target late")
    assert "there is no file" in refusal("%evaluate late2 --input nowhere.csv --target late")
    assert "needs a table" in refusal("%evaluate late2 --target late")
    assert "none of the model's classes" in refusal("%evaluate late2 --input {X.assign(late=y + 5)} --target late")
    assert "late9" in refusal("%evaluate late9 --input test.csv --target late")


def test_every_format_is_registered_evaluated_and_served(run: Runner, client: Client) -> None:
    pytest.importorskip("lightgbm")
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    cell = """%%train --name all -o boosted -o graph -o server -o own
import lightgbm
from pathlib import Path
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
boosted = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(X, y)
line = LogisticRegression().fit(X.to_numpy('float32'), y)
graph = to_onnx(line, X.to_numpy('float32')[:1], options={'zipmap': False})
server = Path('server')
server.mkdir()
(server / 'weights').write_text('2.0')
(server / 'inference.py').write_text('''
def model_fn(folder):
    return float(open(folder + "/weights").read())
def predict_fn(rows, factor):
    return rows[:, 0] * factor
''')
class Own:
    def predict(self, rows):
        return (rows['a'] if hasattr(rows, 'columns') else rows[:, 0]) * 3
own = Own()
"""
    done = run(
        DATA,
        cell,
        "for name in ('boosted', 'graph', 'server'):\n"
        "    print(slml.models.register(name, 'all', output=name).record.format)",
        "try:\n    slml.models.register('own', 'all', output='own')\nexcept Exception as error:\n    print(error)",
    )
    assert texts(done.cells[3]).split() == ["lightgbm", "onnx", "handlers"]
    assert "--allow-pickle" in texts(done.cells[4])
    metrics: dict[str, Any] = {}
    for name in ("boosted", "graph"):
        run(DATA, f"%evaluate {name} --input test.csv --target late")
        metrics[name] = client.models.evidence(name, 1).evidence[0].metrics
    assert all(item["auc"] > 0.8 for item in metrics.values())
    served = run(
        DATA,
        "for name in ('boosted', 'graph', 'server'):\n"
        "    print(name, slml.endpoints.deploy(name, min_replicas=1).invoke([[2.0, 0.0]]))\n"
        "    slml.endpoints.get(name).remove()",
    )
    graph = float(texts(served.cells[2]).split("graph [")[1].split("]")[0])
    assert 0.9 < graph <= 1
    assert "server [4.0]" in texts(served.cells[2])


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_out_and_in_again(run: Runner, client: Client, home: Path) -> None:
    done = run(
        DATA,
        "%%train --name out -o model --register out\nimport xgboost\n"
        "model = xgboost.XGBClassifier(n_estimators=20).fit(X[:600], y[:600])",
        "%evaluate out --input test.csv --target late",
        "%export out@1 --to mlflow",
        "kept = slml.models.export('out', 'dir', 'kept')\nversion = slml.models.import_(kept, 'kept')\n"
        "print(version.reference, version.format, version.metrics == slml.models.get('out').metrics)",
        "import glob\n(folder,) = glob.glob('mlflow-*')\nget_ipython().run_line_magic('import', folder + ' --as back')",
        "%evaluate back --input test.csv --target late",
    )
    assert "lies in mlflow-" in texts(done.cells[4])
    assert "kept@1 xgboost-ubj True" in texts(done.cells[5])
    (here,), (there,) = client.models.evidence("out", 1).evidence, client.models.evidence("back", 1).evidence
    assert here.metrics == there.metrics
    out, kept, back = (client.models.version(name, 1) for name in ("out", "kept", "back"))
    assert kept.digest == out.digest and kept.signature == out.signature and kept.baseline == out.baseline is not None
    assert back.job is None and "MLflow" in back.source and back.signature is not None
    command = [sys.executable, "-c", "from jupyter_slml.cli import main; main()", "models"]
    folder = str(run.folder / "kept")
    again = subprocess.run([*command, "import", folder, "--as", "again"], capture_output=True, text=True, check=False)
    assert again.returncode == 0 and again.stdout.startswith("again@1: xgboost.XGBClassifier (xgboost-ubj)"), again.stderr
    path = run.folder / "plain.ubj"
    plain = subprocess.run([*command, "export", "again", str(path), "--to", "xgboost"], capture_output=True, check=False)
    assert plain.returncode == 0 and path.stat().st_size > 0


def test_what_is_not_imported_leaves_nothing(run: Runner, client: Client) -> None:
    mark = run.folder / "ran"
    (run.folder / "m.pkl").write_bytes(pickle.dumps(Bomb(mark)))
    (run.folder / "m.ubj").write_bytes(pickle.dumps(Bomb(mark)))
    before = len(client.models.list().models)
    for line in (
        "m.pkl --as bad",
        "m.ubj --as bad",
        "m.ubj --as bad --allow-pickle",
        "nowhere --as bad",
        "s3://b/k --as bad",
    ):
        with pytest.raises(CellExecutionError):
            run(f"%import {line}")
    assert not mark.exists() and len(client.models.list().models) == before

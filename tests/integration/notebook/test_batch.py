"""`%batch` and `%%batch` in a notebook: models of every kind, DataFrames, what is refused before a job is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

from jupyter_slml.client import Client
from tests.integration.notebook.conftest import Runner, texts

DATA = (
    "import numpy as np, pandas as pd\nrandom = np.random.default_rng(0)\n"
    "X = pd.DataFrame({'a': random.normal(size=800), 'b': random.normal(size=800), "
    "'c': pd.Categorical(random.choice(['red', 'blue'], 800))})\n"
    "y = (X.a > 0).astype(int)\nX.assign(id=range(800)).to_csv('all.csv', index=False)\n"
    "X.assign(id=range(800)).to_parquet('all.parquet', row_group_size=100)"
)
MIXED = (
    "%%train --name mixed -o model --register mixed\nimport xgboost\n"
    "model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(X, y)"
)


def test_a_model_predicts_files_as_it_does_in_the_notebook(run: Runner, client: Client) -> None:
    done = run(
        DATA,
        MIXED,
        "job = %batch mixed --input all.parquet --output out --keep id,c --part-rows 100",
        "expected = slml.job('mixed').outputs['model'].load().predict_proba(X)[:, 1]\n"
        "found = pd.read_parquet('out')\n"
        "print(found.id.tolist() == list(range(800)), np.abs(found.prediction - expected).max())",
        "print(job.preview(3), job.parts.state.tolist(), len(job.errors), job.output)",
        "job = %batch mixed --input all.csv --output out2 --keep id --output-format parquet\n"
        "print(np.abs(pd.read_parquet('out2').prediction - expected).max() < 1e-6)",
        "job = %batch mixed --input {X} --output out3 --keep none\n"
        "print(np.abs(pd.read_parquet('out3').prediction - expected).max() < 1e-6, job.record.spec.captures[1].type)",
        "odd = X.assign(c=X.c.astype(str))\nodd.loc[5, 'c'] = 'green'\n"
        "job = %batch mixed --input odd --output out4 --max-errors 1\nprint(job.errors.row.tolist(), job.errors.reason[0])",
    )
    assert texts(done.cells[4]).startswith("True 0.0") or "e-0" in texts(done.cells[4])
    assert "'committed'" in texts(done.cells[5]) and texts(done.cells[5]).strip().endswith("/out")
    assert "True" in texts(done.cells[6]) and "True pandas.DataFrame" in texts(done.cells[7])
    assert "[6] column 'c': 'green' is not one of its categories" in texts(done.cells[8])
    # From the command line, in the same workspace.
    command = [sys.executable, "-c", "from jupyter_slml.cli import main; main()", "parts", "mixed-of-all"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "committed" in told and "800 of 800 rows (100 %)" in told


def test_models_of_other_libraries(run: Runner) -> None:
    done = run(
        DATA,
        "%%train --name linear -o model --register linear\nfrom sklearn.linear_model import LogisticRegression\n"
        "model = LogisticRegression().fit(X[['a', 'b']].to_numpy(), np.where(y == 1, 2, np.where(X.b > 0, 1, 0)))",
        "job = %batch linear --input all.parquet --output out --input-filter \"$['a','b']\" --keep none\n"
        "print(list(job.preview(1).columns), pd.read_parquet('out').prediction.isin([0, 1, 2]).all())",
        "%%batch --input all.parquet --output out2 --keep id --max-errors 0\nimport pyarrow as pa, pyarrow.compute as pc\n"
        "def predict(batch: pa.RecordBatch):\n    return pc.multiply(batch.column('a'), 2)\n",
        "print((pd.read_parquet('out2').prediction == X.a * 2).all())",
    )
    columns = texts(done.cells[3])
    assert "['prediction', 'probability_0', 'probability_1', 'probability_2'] True" in columns
    assert "True" in texts(done.cells[5])


REFUSED = [
    ("%batch --input there --output out", "needs a model"),
    ("%batch mixed --output out", "needs --input"),
    ("%batch mixed --input there", "needs --output"),
    ("%batch mixed --input nowhere.csv --output out", "--input nowhere.csv: there is no file"),
    ("%batch mixed --input there/x.csv --output there", "--output there exists"),
    ("%batch mixed --input there --output there/out", "lies in the input"),
    ("%batch mixed --input there --output out.csv", "looks like a file"),
    ("%batch mixed --input there --output out --overwrite --resume", "contradict"),
    ("%batch mixed --input there --output out --max-errors few", "neither a number"),
    ("%batch nobody --input there --output out", "no model 'nobody'"),
    ("%%batch --input there --output out\nx = 1", "defines no function `predict"),
    ("%%batch mixed --input there --output out\ndef predict(batch):\n    return batch.a", "names a model"),
    ("%batch mixed --input odd --output out", "no table can be made of"),
    ("%batch mixed --input there --output out -p x=1", "--param is about a cell"),
    ("%batch mixed --input there --output out --dry-run", "mixed@"),
    ("%%batch --input there --output out --dry-run\ndef predict(batch):\n    return batch.a * X.a[0]", "X"),
]


def test_what_is_refused_before_a_job_is_made(run: Runner, client: Client) -> None:
    before = client.jobs.list().total
    made = (
        "import os, pandas as pd\nos.makedirs('there')\nopen('there/x.csv', 'w').write('a,b')\n"
        "odd = pd.DataFrame({'a': [1, 'b', object()]})"
    )
    done = run(DATA, MIXED, made, *(cell for cell, _ in REFUSED), allow_errors=True)
    for cell, (source, said) in zip(done.cells[4:], REFUSED, strict=True):
        assert said in texts(cell), source
    assert client.jobs.list().total == before + 1


def test_the_schema_is_checked_before_the_first_part(run: Runner) -> None:
    done = run(
        DATA,
        MIXED,
        "from jupyter_slml.errors import JobFailed\n"
        "def why(line):\n"
        "    try:\n        get_ipython().run_line_magic('batch', line)\n"
        "    except JobFailed as error:\n        print(error)\n",
        "X.rename(columns={'b': 'bb'}).to_parquet('renamed.parquet')\nwhy('mixed --input renamed.parquet --output o1')",
        "X.assign(b='text').to_csv('texts.csv')\nwhy('mixed --input texts.csv --output o2 --max-errors 100%')",
        "X.assign(b='text').to_parquet('texts.parquet')\nwhy('mixed --input texts.parquet --output o3')",
        "import os; os.makedirs('two')\nX.to_parquet('two/1.parquet'); X[['a', 'c']].to_parquet('two/2.parquet')\n"
        "why('mixed --input two --output o4')",
        "X.to_csv('two/3.csv')\nwhy('mixed --input two --output o5')",
        "print([path for path in ('o1', 'o2', 'o3', 'o4', 'o5') if os.path.exists(path)])",
    )
    assert "no column 'b'" in texts(done.cells[4]) and "Did you mean 'bb'?" in texts(done.cells[4])
    for cell in (done.cells[5], done.cells[6]):
        assert "Column 'b'" in texts(cell) and "the model takes numbers" in texts(cell)
    assert "2.parquet" in texts(done.cells[7]) and "no column 'b'" in texts(done.cells[7])
    assert "several formats" in texts(done.cells[8])
    assert texts(done.cells[9]).strip() == "[]"


def test_a_cell_travels_with_what_it_reads(run: Runner, tmp_path: Path) -> None:
    done = run(
        "import pandas as pd\nfactor = 3\ndef times(x):\n    return x * factor\n"
        "pd.DataFrame({'x': range(10)}).to_csv('in.csv', index=False)",
        "%%batch --input in.csv --output out --keep x -p plus=1\ndef predict(batch):\n    return times(batch.x) + plus",
        "print(pd.read_csv('out/part-00000.csv').prediction.tolist())",
    )
    assert str([3 * x + 1 for x in range(10)]) in texts(done.cells[3])
    assert pd.read_csv(tmp_path / "notebook" / "out" / "part-00000.csv").columns.tolist() == ["x", "prediction"]

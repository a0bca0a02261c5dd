"""`%%tune` and `%tune_study` in a real kernel: what they say before they submit, and what a job's handle gives."""

from __future__ import annotations

import json

import pytest

from jupyter_slml.client import Client

from .conftest import Runner, texts

pytestmark = pytest.mark.slow


def test_a_search_from_the_line_to_the_table(run: Runner) -> None:
    notebook = run(
        "offset = 0.25",
        "%%tune --search x=0.0..1.0 --search kind=a,b --minimize loss --trials 8 --seed 1 -o model\n"
        "import math\n"
        "base = math.sqrt(offset)\n"
        "print('once')\n"
        "model = {'x': x, 'kind': kind}\n"
        "(x - base) ** 2 + (kind == 'a')\n",
        "job = slml.job()\n"
        "import json\n"
        "print(json.dumps({'columns': list(job.trials.columns), 'rows': len(job.trials), 'best': job.best.params,\n"
        "  'model': job.outputs['model'].load(), 'study': job.study.best_params, 'value': job.study.best_value == job.best.value,\n"
        "  'importances': sorted(job.tuned.found.importances),\n"
        "  'html': '<svg' in job._repr_mimebundle_()['text/html'],\n"
        "  'mine': job.trial(0).number}))",
        "%tune_study --help",
        "%%tune --search y=1..3 --minimize loss --dry-run\nz = y + offset\nz",
    )
    submitted = texts(notebook.cells[2])
    assert "Lines 1–4 run once" in submitted and submitted.count("once\n") == 1, submitted
    told = json.loads(texts(notebook.cells[3]))
    assert told["columns"][:5] == ["number", "state", "loss", "x", "kind"] and told["rows"] == 8
    assert told["best"] == told["model"] == told["study"] and told["value"] is True
    assert told["importances"] == ["kind", "x"] and told["html"] is True and told["mine"] == 0
    assert "--pruner" in texts(notebook.cells[4])
    assert "offset" in texts(notebook.cells[5])


def test_an_objective_of_the_notebook(run: Runner) -> None:
    notebook = run(
        "import math\ndef objective(trial):\n    slml.log(extra=trial.number)\n"
        "    return math.fabs(trial.suggest_float('x', -1, 1))",
        "%tune_study objective --trials 6 --sampler random",
        "job = slml.job()\nprint(job.study.direction.name, len(job.trials), job.best.metrics['extra'] == job.best.number)",
        "again = slml.jobs.tune(objective, trials=3, sampler='random').wait()\nprint(len(again.trials))",
        "text = slml.jobs.tune('slml.log(v=n)', search=['n=1..3'], sampler='grid', maximize=['v'], name='text').wait()\n"
        "print(text.best.params)",
    )
    assert texts(notebook.cells[3]).strip() == "MINIMIZE 6 True"
    assert texts(notebook.cells[4]).strip() == "3"
    assert texts(notebook.cells[5]).strip() == "{'n': 3}"


#: Line, body, and what is said of them.
REFUSED = [
    ("--search x=1..3", "x", "needs to know what is better"),
    ("--search x=3..1 --minimize v", "x", "is empty"),
    ("--search x=0..1:log --minimize v", "x", "above zero"),
    ("--search x=1..2 x=3..4 --minimize v", "x", "searched twice"),
    ("--search x=1..2 -p x=1 --minimize v", "x", "both searched and set"),
    ("--search x=0.0..1 --sampler grid --minimize v", "x", "continuous range"),
    ("--search xx=1..2 --minimize v", "x = 1\nx", "Did you mean x?"),
    ("--minimize v", "x = 1\nx", "nothing to search"),
    ("--search x=1..2 --minimize v --sampler tpe:colour=1", "x", "no parameter 'colour'"),
    ("--search x=1..2 --minimize v --budget 3", "x", "costs nothing"),
    ("--search x=1..2 --minimize v --warm-start nobody", "x", "nobody"),
]


def test_bad_input_is_refused_before_anything_runs(run: Runner, client: Client) -> None:
    before = client.jobs.list().total
    notebook = run(*(f"%%tune {line}\n{body}" for line, body, _ in REFUSED), allow_errors=True)
    for cell, (line, _, said) in zip(notebook.cells[1:], REFUSED, strict=True):
        assert said in texts(cell), f"{line}: {texts(cell)}"
    assert client.jobs.list().total == before

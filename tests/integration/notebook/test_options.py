"""The options of a job, their results and the verbs for many jobs, on a real platform."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.integration.notebook.conftest import Runner, texts

MIME = "application/vnd.jupyter-slml.job+json"


def card(cell: nbformat.NotebookNode) -> dict[str, Any]:
    (found,) = [output.data[MIME] for output in cell.outputs if MIME in output.get("data", {})]
    assert isinstance(found, dict)
    return found


def test_inputs_and_files_lie_where_the_cell_looks(run: Runner) -> None:
    (run.folder / "data").mkdir()
    (run.folder / "data" / "rows.csv").write_text("a\n1\n2\n")
    (run.folder.parent / "up.txt").write_text("from above")
    (run.folder / "notes.md").write_text("noted")
    done = run(
        "%%train --name reads --input rows=data/rows.csv --files ../up.txt notes.md -o lines -o text\n"
        "lines = open(slml.inputs['rows']).read().split()\ntext = open('up.txt').read() + ', ' + open('notes.md').read()",
        "print(slml.job('reads').result())",
    )
    assert "{'lines': ['a', '1', '2'], 'text': 'from above, noted'}" in texts(done.cells[2])


def test_a_job_after_another(run: Runner) -> None:
    done = run(
        "%%train --name one --no-wait -o x\nimport time\ntime.sleep(1)\nx = 1",
        "%%train --name two --after one --priority 5 -o y\ny = 2",
        "one, two = slml.job('one').record, slml.job('two').record\n"
        "print(two.started_at >= one.ended_at, two.spec.after == [one.id], two.spec.priority)",
    )
    assert texts(done.cells[3]).strip() == "True True 5"


def test_retries_by_cause(run: Runner) -> None:
    cell = (
        "%%train --name again --retries 2 --backoff 0.1 -o tries\n"
        "path = slml.checkpoint_dir / 'tries'\ntries = int(path.read_text()) + 1 if path.exists() else 1\n"
        "path.write_text(str(tries))\nassert tries == 3"
    )
    done = run(cell, "job = slml.job('again')\nprint(job.result(), job.record.attempts, job.record.retried)")
    assert texts(done.cells[2]).strip() == "3 3 {'failure': 2}"


def test_metrics_from_patterns_curves_plot_and_history(run: Runner) -> None:
    done = run(
        "%%train --name fit --metric acc=acc=(\\d\\.\\d+)\nfor step in range(300):\n"
        "    slml.log(step=step, loss=1 / (step + 1))\n"
        "print('acc=0.75')",
        "job = slml.job('fit')\nprint(job.metrics, len(job.history))\njob.plot('loss')",
        "import pandas\nprint(list(job.history.columns), len(job.history))",
    )
    shown = card(done.cells[1])
    assert shown["metrics"]["acc"] == 0.75 and shown["curves"]["loss"][-1] == [299, 1 / 300]
    assert len(shown["curves"]["loss"]) <= 100
    assert {phase["name"] for phase in shown["phases"]} >= {"queued", "starting", "preparing", "running", "storing"}
    (plot,) = [output for output in done.cells[2].outputs if output.output_type == "execute_result"]
    assert "application/vnd.vegalite.v5+json" in plot.data and "<svg" in plot.data["image/svg+xml"]
    assert "['step', 'time', 'attempt', 'loss', 'acc'] 301" in texts(done.cells[3])


def test_files_and_the_executed_cell(run: Runner) -> None:
    done = run(
        "%%train --name leaves\nfrom IPython.display import Markdown, display\n"
        "(slml.output_dir / 'sub').mkdir()\n(slml.output_dir / 'sub' / 'a.txt').write_text('für')\n"
        "display(Markdown('**shown**'))\nprint('said')",
        "job = slml.job('leaves')\nprint(list(job.files), job.files['sub/a.txt'].open().read())\n"
        "job.notebook().save('cell.ipynb')",
    )
    assert "['sub/a.txt'] für" in texts(done.cells[2])
    made = nbformat.read(run.folder / "cell.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(made)
    kinds = [output.output_type for output in made.cells[0].outputs]
    assert kinds == ["display_data", "stream"] and made.cells[0].source.startswith("# %%train --name leaves")
    shown = [output.data.get("text/markdown") for output in done.cells[1].outputs if "data" in output]
    assert "**shown**" in shown


def test_time_and_other_cell_magics(run: Runner) -> None:
    (run.folder / "lone.py").write_text("def twice(n):\n    return 2 * n\n")
    done = run(
        "k = 20\ndef plus(n):\n    return n + k",
        "%%train --name timed\n%%time\nimport lone\nx = lone.twice(plus(1))\nthere = !echo {k} $x\nprint(there)",
        "%%train --name quiet\n%%capture said\nprint('hidden')\nx = plus(2)",
        "%%train --name bash\n%%bash -s {k}\necho got $1",
        "print(slml.job('timed').result(), slml.job('quiet').result())",
    )
    assert "Wall time" in texts(done.cells[2]) and "['20 42']" in texts(done.cells[2])
    assert "hidden" not in texts(done.cells[3])
    assert "got 20" in texts(done.cells[4])
    assert "{'x': 42, 'there': ['20 42']} 22" in texts(done.cells[5])


def test_classes_whose_making_reads_other_names(run: Runner) -> None:
    done = run(
        "suffix = '!'\ndef a_mark(back=False):\n    return Tagged if back else suffix\n"
        "class Meta(type):\n    def __new__(kind, name, bases, body):\n"
        "        return super().__new__(kind, name, bases, {**body, 'tag': name + a_mark()})\n"
        "class Tagged(metaclass=Meta): pass",
        "known = {'sizes': [1, 2]}\nclass Base:\n    def __init_subclass__(cls, **more):\n"
        "        super().__init_subclass__(**more)\n        cls.size = len(known['sizes'])\nclass Leaf(Base): pass",
        # `a_mark` and `Tagged` need each other; making `Tagged` calls the other one.
        "%%train --name classes\nfound = [a_mark(True) is Tagged, Tagged.tag, Leaf.size]",
        "print(slml.job('classes').result())",
    )
    assert "[True, 'Tagged!', 2]" in texts(done.cells[4])


def test_verbs_for_many(run: Runner) -> None:
    done = run(
        *[f"%%train --name many --no-wait -p n={n}\nimport time\ntime.sleep(100 + n)" for n in range(3)],
        "%jobs stop --name many",
        "for job in slml.jobs.get('many'), slml.job():\n    try:\n        job.wait(60)\n    except Exception as error:\n"
        "        print(type(error).__name__)",
        "import time\nwhile len(slml.jobs.list(states=['stopped'], name='many')) < 3:\n    time.sleep(0.1)",
        "%jobs delete --name many",
        "print(len(slml.jobs.list(name='many')))",
    )
    assert "3 jobs asked to stop." in texts(done.cells[4])
    assert "3 jobs deleted." in texts(done.cells[7]) and texts(done.cells[8]).strip() == "0"


def test_diff_between_two_runs(run: Runner) -> None:
    done = run(
        "rows = [1, 2]",
        "%%train --name d -p depth=3 -o s\ns = sum(rows) * depth\nslml.log(score=s)",
        "rows = [1, 2, 3]\nfirst = slml.job()",
        "%%train --name d -p depth=4 -o s\ns = sum(rows) * depth * 2\nslml.log(score=s)",
        "%jobs diff {first} d",
    )
    said = texts(done.cells[5])
    for words in ("+s = sum(rows) * depth * 2", "depth: 3 → 4", "rows: list", "score: 9 → 48"):
        assert words in said


def test_a_second_submit_uploads_nothing(run: Runner) -> None:
    counting = (
        "from jupyter_slml.client.blobs import Blobs\nsent = []\nput = Blobs.put\n"
        "Blobs.put = lambda self, digest, source: (sent.append(digest), put(self, digest, source))[1]"
    )
    (run.folder / "mine.py").write_text("V = 2\n")
    done = run(
        "import numpy as np, pandas as pd, mine\nx = np.ones(200_000)\nframe = pd.DataFrame({'a': x})\n"
        "class Model:\n    def go(self):\n        return float(frame.a.sum() * mine.V)\nmodel = Model()",
        counting,
        "%%train --name up -o y\ny = model.go() + x[0]",
        "first = len(sent)\nprint(first)",
        "%%train --name up -o y\ny = model.go() + x[0]",
        "print(len(sent) - first, slml.job().result())",
    )
    assert int(texts(done.cells[4])) >= 4
    assert texts(done.cells[6]).strip() == "0 400001.0"


def test_the_warning_line(run: Runner) -> None:
    done = run(
        "import numpy as np\nbig = np.ones(200_000)\nslml.config.warn_bytes = 2**20",
        "%%train --name heavy\nbig.sum()",
    )
    said = [output.text for output in done.cells[2].outputs if output.output_type == "stream" and output.name == "stderr"]
    assert "1.5 MiB travel with this cell; the largest: big (numpy.ndarray, 1.5 MiB)" in "".join(said)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--input rows=nope.csv", ["--input rows=nope.csv", "there is no file or folder"]),
        ("--after nope", ["--after nope: there is no such job"]),
        ("--instance cpu.huge", ["--instance cpu.huge", "Known types: cpu.micro"]),
        ("--instance gpu.small", ["--instance", "No worker", "smaller type"]),
        ("--metric a=(", ["--metric", "not a regular expression"]),
        ("-p a=1 -p a=2", ["--param a was given twice"]),
    ],
)
def test_refusals_before_anything_is_sent(run: Runner, line: str, words: list[str]) -> None:
    with pytest.raises(CellExecutionError) as caught:
        run(f"%%train {line}\nx = 1")
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(caught.value))
    for word in words:
        assert word in said

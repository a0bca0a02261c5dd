"""A cell of a real kernel becomes a job of a real platform."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from jupyter_slml.client import Client
from tests.integration.notebook.conftest import Runner, texts

MIME = "application/vnd.jupyter-slml.job+json"


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def cards(cell: nbformat.NotebookNode) -> list[dict[str, Any]]:
    return [output.data[MIME] for output in cell.outputs if MIME in output.get("data", {})]


def test_values_functions_and_logs(run: Runner) -> None:
    done = run(
        "import numpy as np\nx = np.arange(10.0)\ncalls = []\ndef total():\n    calls.append(1)\n    return float(x.sum())",
        "%%train --name sum -o y -p k=2\ny = total() * k\ntotal()\nprint('calls', len(calls))\nslml.log(y=y)",
        "job = slml.job('sum')\nprint(job.result(), job.metrics, job.state)",
        "%logs sum",
        "%jobs",
    )
    (card,) = cards(done.cells[2])
    assert card["state"] == "succeeded" and card["headless"] is True
    assert [output["name"] for output in card["outputs"]] == ["y"]
    assert "calls 2" in texts(done.cells[2])
    assert "90.0 {'y': 90.0} succeeded" in texts(done.cells[3])
    assert "calls 2" in texts(done.cells[4])
    assert "succeeded" in texts(done.cells[5])


def test_functions_that_log(run: Runner) -> None:
    done = run(
        "def fit(n):\n    slml.log(step=n, loss=1 / n)\n"
        "def held(platform):\n    return lambda: platform.log(held=1)\nf = held(slml)",
        "%%train --name logs\nfor n in range(1, 4):\n    fit(n)\nf()",
        "job = slml.job('logs')\nprint(job.metrics, [point['step'] for point in job.history])\nfit(1)",
    )
    assert "{'loss': 0.3333333333333333, 'held': 1.0} [1, 2, 3, None]" in texts(done.cells[3])


def test_a_failure_shows_the_cells_own_lines(run: Runner) -> None:
    cell = "%%train --name bad\n\ndef halve(n):\n    return 1 / n\n\nhalve(0)"
    with pytest.raises(CellExecutionError) as caught:
        run("zero = 0", cell)
    assert caught.value.ename == "JobFailed"
    shown = plain(str(caught.value))
    assert "ZeroDivisionError" in shown
    assert re.search(r"(line 4|:4)\b", shown) and re.search(r"(line 6|:6)\b", shown)
    assert "halve(0)" in shown and "return 1 / n" in shown
    assert "site-packages" not in shown


def test_functions_of_the_notebook_show_their_lines_too(run: Runner) -> None:
    with pytest.raises(CellExecutionError) as caught:
        run("def halve(n):\n    return 1 / n", "%%train --name bad2\nhalve(0)")
    assert "ZeroDivisionError" in plain(str(caught.value)) and "in halve" in plain(str(caught.value))


def test_a_second_run_ships_nothing(run: Runner, client: Client) -> None:
    done = run(
        "import pandas as pd\nframe = pd.DataFrame({'a': range(1000)})\ndef mean():\n    return frame.a.mean()",
        "%%train --name m -o v\nv = mean()",
        "%%train --name m --dry-run\nv = mean()",
    )
    shown = texts(done.cells[3])
    assert "would send 0 B" in shown and "pandas.DataFrame" in shown and "arrow" in shown


def test_local_modules_and_files_travel(run: Runner) -> None:
    (run.folder / "mine.py").write_text("def triple(n):\n    return 3 * n\n")
    (run.folder / "numbers.txt").write_text("14")
    done = run(
        "import mine\ndef work():\n    return mine.triple(int(open('numbers.txt').read()))",
        "%%train --name local -o answer --inject\nanswer = work()",
        "print(answer)",
    )
    assert texts(done.cells[3]).strip() == "42"


def test_plots_and_tables_come_back(run: Runner) -> None:
    done = run("%%train --name show\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))\nx = 1")
    assert any("<b>bold</b>" in output.get("data", {}).get("text/html", "") for output in done.cells[1].outputs)


def test_magic_lines_run_in_the_job(run: Runner) -> None:
    done = run("word = 'there'", "%%train --name shell -o files\nfiles = !echo {word}\nprint(list(files))")
    assert "['there']" in texts(done.cells[2])


def test_top_level_await(run: Runner) -> None:
    done = run(
        "%%train --name wait -o x\nimport asyncio\nx = await asyncio.sleep(0.01, 5)", "print(slml.job('wait').result())"
    )
    assert texts(done.cells[2]).strip() == "5"


def test_a_job_is_found_again_after_a_restart_of_the_kernel(run: Runner) -> None:
    run("%%train --name keep -o x\nx = {'a': 1}")
    done = run("print(slml.job('keep').result())", "print((await slml.job('keep')).state)")
    assert texts(done.cells[1]).strip() == "{'a': 1}"
    assert texts(done.cells[2]).strip() == "succeeded"


def test_stop(run: Runner) -> None:
    done = run(
        "%%train --name sleep --no-wait\nimport time\ntime.sleep(600)",
        "import time\njob = slml.job('sleep')\nwhile job.state != 'running':\n    time.sleep(0.1)",
        "%stop sleep",
        "try:\n    job.wait(30)\nexcept Exception as error:\n    print(type(error).__name__, job.state)",
    )
    assert texts(done.cells[4]).strip() == "JobFailed stopped"


def test_a_waiting_cell_outlives_the_daemon(run: Runner, client: Client) -> None:
    killer = (
        "import os, signal, threading, time\n"
        "def kill():\n    time.sleep(1.5)\n    os.kill(slml._session.client.status().pid, signal.SIGKILL)\n"
        "threading.Thread(target=kill).start()"
    )
    cell = "%%train --name survivor -o x\nimport time\nfor x in range(30):\n    time.sleep(0.1)\nx = 'done'\nprint('end')"
    before = client.status().pid
    done = run(killer, cell, "print(slml.job('survivor').result())")
    assert "end" in texts(done.cells[2])
    assert texts(done.cells[3]).strip() == "done"
    assert client.status().pid != before


def test_functions_as_jobs(run: Runner) -> None:
    done = run("k = 3\ndef area(a, b):\n    return a * b * k", "print(slml.jobs.submit(area, 2, 7).result(60))")
    assert texts(done.cells[2]).strip() == "42"


@pytest.mark.parametrize(
    ("cells", "name", "words"),
    [
        pytest.param(["%%train\nx = = 1"], "SyntaxError", ["invalid syntax"], id="syntax"),
        pytest.param(["%%train --nme a\nx = 1"], "Invalid", ["--nme", "Did you mean --name?"], id="option"),
        pytest.param(["%%train\nprint(nope)"], "Invalid", ["`nope` is not defined (line 2"], id="undefined"),
        pytest.param(
            ["import threading\nlock = threading.Lock()", "%%train\nwith lock: pass"],
            "CaptureError",
            ["`lock`", "_thread.lock", "line 2", "--no-capture lock"],
            id="cannot-travel",
        ),
        pytest.param(["%deploy nothing"], "NotFound", ["nothing"], id="unknown-model"),
        pytest.param(["%invoke nothing --json '[[1]]'"], "NotFound", ["nothing"], id="unknown-endpoint"),
        pytest.param(["%register m --job nothing"], "NotFound", ["nothing"], id="unknown-job"),
        pytest.param(["%%train --name n -o x\nx = 1", "%register m"], "Invalid", ["no model"], id="no-model"),
        pytest.param(
            ["%%train --name i\nimport not_a_package"], "JobFailed", ["not_a_package", "line 2"], id="import-error"
        ),
    ],
)
def test_bad_input_is_a_true_error_output(run: Runner, cells: list[str], name: str, words: list[str]) -> None:
    with pytest.raises(CellExecutionError) as caught:
        run(*cells)
    assert caught.value.ename == name
    for word in words:
        assert word in plain(str(caught.value))

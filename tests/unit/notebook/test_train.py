"""`%%train` from the first line to the handle, against a platform in memory."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.domain.outcomes import CellError
from jupyter_slml.errors import CaptureError, Invalid, JobFailed, NotFound, SlmlError
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.table import Table
from tests.unit.notebook.platform import Platform


def run(shell: InteractiveShell, cell: str) -> Any:
    result = shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
    result.raise_error()
    return result.result


def refused(shell: InteractiveShell, cell: str) -> BaseException:
    result = shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
    error = result.error_before_exec or result.error_in_exec
    assert error is not None
    assert isinstance(error, BaseException)
    return error


def test_the_whole_road(shell: InteractiveShell, platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.values = {"model": [1]}
    platform.text = "fitting\n"
    run(shell, "data = [1, 2]\ndef scale(x): return x * 2")
    handle = run(shell, "%%train --name late -p depth=6 -o model --register late\nmodel = [scale(d) for d in data][:depth]")
    assert isinstance(handle, JobHandle)
    assert shell.user_ns["_"] is handle
    spec = handle.record.spec
    assert spec.parameters == {"depth": 6} and spec.outputs == ["model"] and spec.register_as == "late"
    assert [capture.name for capture in spec.captures] == ["data", "scale"]
    assert spec.source.splitlines()[0] == "# %%train --name late -p depth=6 -o model --register late"
    assert spec.fingerprint is not None and "numpy" in spec.fingerprint.packages
    assert handle.result() == [1] and handle.outputs["model"].load() == [1]
    shown = capsys.readouterr().out
    assert "fitting" in shown and "late: succeeded" in shown


def test_a_second_run_ships_nothing(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "import numpy as np\nx = np.ones(100)\ndef f(): return x.sum()")
    run(shell, "%%train\ny = f()")
    assert len(platform.sent) == 2
    run(shell, "%%train\ny = f()")
    assert len(platform.sent) == 2
    run(shell, "x[0] = 5")
    run(shell, "%%train\ny = f()")
    assert len(platform.sent) == 3


def test_dry_run_sends_nothing(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "import numpy as np\nx = np.ones(1000)")
    table = run(shell, "%%train --name t --dry-run\nnp.sum(x)")
    assert isinstance(table, Table)
    assert "x     numpy.ndarray  7.9 KiB  npy           no" in repr(table)
    assert "Job 't' would send 7.9 KiB of 7.9 KiB." in repr(table)
    assert platform.sent == [] and platform.records == {}
    run(shell, "%%train --name t\nnp.sum(x)")
    assert "would send 0 B of 7.9 KiB" in repr(run(shell, "%%train --name t --dry-run\nnp.sum(x)"))
    assert "<table>" in run(shell, "%%train --dry-run\nx")._repr_html_()


def test_a_failed_job_raises_with_the_cells_frames(shell: InteractiveShell, platform: Platform) -> None:
    frames = ["<late In[1]>, line 3", "ValueError: bad"]
    platform.error = CellError(ename="ValueError", evalue="bad", traceback=frames, line=3)
    error = refused(shell, "%%train --name late\n\nraise ValueError('bad')")
    assert isinstance(error, JobFailed)
    assert error._render_traceback_()[:2] == frames
    assert "failed: ValueError: bad (line 3 of the cell)" in str(error)
    assert "%logs job-" in str(error)


def test_interrupting_a_wait_leaves_the_job(
    shell: InteractiveShell, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.hang = True
    handle = run(shell, "%%train --name slow\nx = 1")
    assert isinstance(handle, JobHandle)
    assert f"Job 'slow' keeps running. `%job {handle.id}` shows it, `%stop {handle.id}` ends it." in capsys.readouterr().out


def test_no_wait_returns_at_once(shell: InteractiveShell, platform: Platform) -> None:
    handle = run(shell, "%%train --no-wait\nx = 1")
    assert handle.state == "queued"
    assert run(shell, "%stop").state == "stopped"


def test_inject_binds_the_outputs(shell: InteractiveShell, platform: Platform) -> None:
    platform.values = {"a": 1, "b": [2]}
    run(shell, "%%train --inject\na = 1\nb = [2]")
    assert (shell.user_ns["a"], shell.user_ns["b"]) == (1, [2])
    assert "cannot go with --no-wait" in str(refused(shell, "%%train --inject --no-wait\na = 1"))


def test_an_unknown_output_of_a_job(shell: InteractiveShell, platform: Platform) -> None:
    platform.values = {"model": 1}
    handle = run(shell, "%%train\nmodel = 1")
    with pytest.raises(NotFound, match=r"has no output 'nope'\.\n  Its outputs: model\."):
        handle.outputs["nope"]


def test_displays_of_the_job_come_back(shell: InteractiveShell, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.shown = [{"output_type": "display_data", "data": {"text/plain": ["a ", "plot"]}, "metadata": {}}]
    seen: list[Any] = []
    monkeypatch.setattr(shell.display_pub, "publish", lambda data, *rest, **more: seen.append(data))
    run(shell, "%%train\nx = 1")
    assert seen[-1] == {"text/plain": "a plot"}
    cards = [data for data in seen if "application/vnd.jupyter-slml.job+json" in data]
    assert cards[-1]["application/vnd.jupyter-slml.job+json"]["state"] == "succeeded"
    assert cards[-1]["application/vnd.jupyter-slml.job+json"]["headless"] is True


@pytest.mark.parametrize(
    ("cell", "kind", "message"),
    [
        pytest.param("%%train --nme x\n1", Invalid, "%%train has no option --nme.\n  Did you mean --name?", id="option"),
        pytest.param(
            "%%train --name 'a b'\n1",
            Invalid,
            "--name 'a b': 'a b' is not a name: use letters, digits, '_', '-' and '.', start with a letter or digit, "
            "at most 63 characters.",
            id="name",
        ),
        pytest.param(
            "%%train --instance gpu\n1",
            Invalid,
            "--instance gpu: there is no such instance type.\n  Did you mean gpu.lab? Known types: cpu.micro,",
            id="instance",
        ),
        pytest.param("%%train --retries many\n1", Invalid, "--retries 'many': it should be a valid integer", id="number"),
        pytest.param("%%train --name\n1", Invalid, "--name: expected one argument.", id="no-value"),
        pytest.param("%%train -p depth\n1", Invalid, "it is written KEY=VALUE.\n  For example: -p", id="p"),
        pytest.param("%%train -p x={object()}\n1", Invalid, "value of type object is not a parameter", id="parameter-type"),
        pytest.param("%%train -p x={nope}\n1", Invalid, "'nope' cannot be evaluated: NameError", id="expression"),
        pytest.param("%%train --name 'x\n1", Invalid, "no closing quotation", id="quote"),
        pytest.param("%%train --env SLML_NOPE\n1", Invalid, "no environment variable of that name", id="environment"),
        pytest.param("%%train extra\n1", Invalid, "does not know what to do with 'extra'", id="word"),
        pytest.param("%%train -o modle\nmodel = 1", Invalid, "Did you mean model?", id="output"),
        pytest.param("%%train\nprint(nope)", Invalid, "`nope` is not defined (line 2 of the cell)", id="undefined"),
        pytest.param("%%train\n# nothing but a comment", Invalid, "has no code", id="empty"),
        pytest.param("%train --name x", Invalid, "Write %%train (two percent signs)", id="line"),
        pytest.param("%job nothing", NotFound, "There is no job 'nothing'.", id="job"),
        pytest.param("%jobs --state done", Invalid, "--state done: there is no such state.\n  States: queued", id="state"),
    ],
)
def test_bad_input_says_what_and_what_to_do(
    shell: InteractiveShell, platform: Platform, cell: str, kind: type[SlmlError], message: str
) -> None:
    error = refused(shell, cell)
    assert type(error) is kind
    assert message in str(error)
    assert platform.records == {} and platform.sent == []


def test_a_syntax_error_is_the_cells_own(
    shell: InteractiveShell, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(shell, "%%train --name late\nx = 1\nfor i in x\n  pass")
    assert type(error).__name__ == "SyntaxError"
    shown = capsys.readouterr().out
    assert "late In[1]" in shown and ":3" in shown and "for i in x" in shown
    assert "notebook/source.py" not in shown
    assert platform.records == {}


def test_what_cannot_travel_is_refused_before_anything_is_sent(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "import threading, numpy as np\nx = np.ones(10)\nlock = threading.Lock()")
    error = refused(shell, "%%train\nx.sum()\nwith lock: pass")
    assert isinstance(error, CaptureError)
    assert "`lock` (_thread.lock, used at line 3 of the cell) cannot travel" in str(error)
    assert platform.sent == [] and platform.records == {}
    run(shell, "%%train --no-capture lock\nlock = globals().get('lock')\nprint(lock)")


def test_continued_lines_and_values(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "grid = {'lr': [0.1, 0.2]}\nn = 3\nbase = 'late'\nnothing = None")
    handle = run(
        shell,
        "%%train --name {base}-v$n \\\n    -p grid={grid} -p n=$n -p flag=true -p word=abc \\\n"
        '    -p \'j={"a": {"b": 1}}\'\n\nprint(grid, n)',
    )
    spec = handle.record.spec
    assert spec.name == "late-v3"
    assert spec.parameters == {"grid": {"lr": [0.1, 0.2]}, "n": 3, "flag": True, "word": "abc", "j": {"a": {"b": 1}}}
    assert spec.source.splitlines()[4] == "print(grid, n)"
    assert spec.captures == []
    spec = run(shell, "%%train -p {grid} -p none={nothing}\nprint(lr)").record.spec
    assert spec.parameters == {"lr": [0.1, 0.2], "none": None}


def test_a_handle_cannot_travel_and_says_why(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "%%train --name first\nx = 1")
    run(shell, "job = _")
    assert "model = job.result()" in str(refused(shell, "%%train\nprint(job.outputs)"))


def test_functions_as_jobs(shell: InteractiveShell, platform: Platform) -> None:
    platform.values = {"result": 6}
    run(shell, "k = 2\ndef area(a): return a * k\njob = slml.jobs.submit(area, 3, parameters={'p': 1})")
    handle = shell.user_ns["job"]
    assert handle.name == "area" and handle.record.spec.outputs == ["result"]
    assert {capture.name for capture in handle.record.spec.captures} == {"_arguments", "area", "k"}
    assert handle.result() == 6
    assert run(shell, "slml.job('area')").id == handle.id
    assert run(shell, "await slml.job()").id == handle.id
    assert "There is no option 'nme'" in str(refused(shell, "slml.jobs.submit('x = 1', nme='x')"))


def test_log_in_the_notebook_keeps_the_values(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "slml.log(auc=0.5, step=1)\nslml.log(auc=1)")
    assert shell.user_ns["slml"].logged == [(1, {"auc": 0.5}), (None, {"auc": 1.0})]
    assert "value of type str is no number" in str(refused(shell, "slml.log(auc='high')"))


def test_frames_of_notebook_functions_name_their_cell(shell: InteractiveShell, platform: Platform) -> None:
    import linecache

    file = "/tmp/ipykernel_1/22.py"
    linecache.cache[file] = (20, None, ["def halve(n):\n", "    return 1 / n\n"], file)
    frames = [f'  File "{file}", line 2, in halve', "ZeroDivisionError: division by zero"]
    platform.error = CellError(ename="ZeroDivisionError", evalue="division by zero", traceback=frames, line=2)
    error = refused(shell, "%%train\nx = 1")
    assert isinstance(error, JobFailed)
    assert error._render_traceback_()[:2] == ['  File "<another cell>", line 2, in halve', "    return 1 / n"]


def test_the_buttons_own_magic_line_is_no_line_of_the_cell(
    shell: InteractiveShell, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "get_parent", lambda: {"metadata": {"slml_bare": True, "cellId": "c1"}}, raising=False)
    record = run(shell, "%%train --no-wait\nx = 1").record
    assert record.spec.source == "x = 1\n" and record.spec.origin.cell_id == "c1"

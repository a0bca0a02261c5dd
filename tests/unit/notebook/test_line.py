"""Every option of `%%train`: what it takes, what it refuses, and what the platform is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.errors import Invalid, NotFound, SlmlError
from tests.unit.notebook.platform import Platform


def run(shell: InteractiveShell, cell: str) -> Any:
    result = shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
    result.raise_error()
    return result.result


def spec(shell: InteractiveShell, cell: str) -> JobSpec:
    made = run(shell, cell).record.spec
    assert isinstance(made, JobSpec)
    return made


def refused(shell: InteractiveShell, cell: str) -> SlmlError:
    result = shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
    error = result.error_before_exec or result.error_in_exec
    assert isinstance(error, SlmlError)
    return error


def test_retries_order_and_metrics_reach_the_platform(shell: InteractiveShell, platform: Platform) -> None:
    first = run(shell, "%%train --name first\nx = 1")
    line = (
        "%%train --retries 2 --memory-retries 1 --timeout-retries 3 --platform-retries 5 --backoff 0.5 --priority -4 "
        r"--after first --metric loss=loss:\s+(\d\.\d+) --metric 'acc=(?:acc|top) = (.*)$' --no-autolog --input-mode stream"
    )
    made = spec(shell, f"{line}\nx = 1")
    assert (made.retries, made.memory_retries, made.timeout_retries, made.platform_retries) == (2, 1, 3, 5)
    assert (made.backoff, made.priority, made.after, made.autolog) == (0.5, -4, ["first"], False)
    assert made.metric_patterns == {"loss": r"loss:\s+(\d\.\d+)", "acc": "(?:acc|top) = (.*)$"}
    assert made.input_mode == "stream"
    assert spec(shell, "%%train --autolog --priority 1\nx = 1").autolog
    shell.user_ns["first"] = first
    assert spec(shell, "%%train --after {first}\nx = 1").after == [first.id]


def test_the_same_options_from_python(shell: InteractiveShell, platform: Platform) -> None:
    Path("rows.csv").write_text("1")
    shell.user_ns["Path"] = Path
    code = (
        "slml.jobs.submit('x = 1', after=job, priority=3, inputs={'rows': Path('rows.csv')}, backoff=2, "
        "files='rows.csv', autolog=False, metric_patterns={'a': '(.)'})"
    )
    job = run(shell, "%%train --name first\nx = 1")
    shell.user_ns["job"] = job
    made = spec(shell, code)
    assert made.after == [job.id] and made.priority == 3 and made.inputs == {"rows": str(Path("rows.csv").absolute())}
    assert made.bundle is not None and made.bundle.files == ["rows.csv"]


def test_local_inputs_become_absolute(shell: InteractiveShell, platform: Platform) -> None:
    Path("data").mkdir()
    Path("data/a b.csv").write_text("1")
    here = Path.cwd()
    (here.parent / "up.csv").write_text("1")
    line = (
        "--input one='data/a b.csv' --input folder=data/ --input many=data/*.csv --input up=../up.csv "
        f"--input url=file://{here}/data --input far=s3://bucket/key --input größe=data"
    )
    assert spec(shell, f"%%train {line}\nx = 1").inputs == {
        "one": f"{here}/data/a b.csv",
        "folder": f"{here}/data/",
        "many": f"{here}/data/*.csv",
        "up": f"{here.parent}/up.csv",
        "url": f"file://{here}/data",
        "far": "s3://bucket/key",
        "größe": f"{here}/data",
    }


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("--input rows=rows.cvs", "--input rows", ["rows.cvs", "there is no file or folder", "Did you mean", "rows.csv?"]),
        ("--input rows=no/*.csv", "--input rows", ["no file matches"]),
        ("--input rows=file:///no/such", "--input rows", ["there is no file or folder /no/such"]),
        ("--input rows=s4://b/k", "--input rows", ["nothing here reads s4://", "Did you mean"]),
        ("--input rows", "--input", ["--input rows", "NAME=URI"]),
        ("--input rows=", "--input", ["the input rows has no URI"]),
        ("--input ../x=rows.csv", "--input", ["'../x' is not the name of a Python variable"]),
        ("--input a=rows.csv --input a=rows.csv", "--input", ["a was given twice"]),
        ("--input-mode fast", "--input-mode", ["'fast'", "'file' or 'stream'"]),
        ("--metric loss", "--metric", ["NAME=REGEX"]),
        ("--metric 'loss=(a)(b)'", "--metric", ["must have exactly one group", "it has 2"]),
        ("--metric 'loss=a'", "--metric", ["it has 0"]),
        ("--metric 'loss=(a'", "--metric", ["not a regular expression", "unterminated"]),
        ("--after nothing", "--after", ["--after nothing: there is no such job"]),
        ("--priority high", "--priority", ["'high'", "valid integer"]),
        ("--priority 101", "--priority", ["'101'", "less than or equal to 100"]),
        ("--retries -1", "--retries", ["greater than or equal to 0"]),
        ("--memory-retries x", "--memory-retries", ["'x'"]),
        ("--timeout-retries 1.5", "--timeout-retries", ["'1.5'"]),
        ("--platform-retries 101", "--platform-retries", ["'101'"]),
        ("--backoff -1", "--backoff", ["'-1'"]),
        ("--backoff nan", "--backoff", ["nan"]),
        ("--timeout nan", "--timeout", ["nan"]),
        ("--timeout 0", "--timeout", ["greater than 0"]),
        ("--grace inf", "--grace", ["inf"]),
        ("--autolog=maybe", "options", ["'maybe'", "--help"]),
        ("--instance cpu.smal", "--instance", ["Did you mean cpu.small?", "gpu.lab"]),
        ("--name ../x", "--name", ["'../x' is not a name"]),
        ("--register ../x", "--register", ["'../x' is not a name"]),
        ("--output ../x", "--output", ["'../x' is not the name of a Python variable"]),
        ("-p ../x=1", "--param", ["'../x' is not the name of a Python variable"]),
        ("-p a=1 -p a=2", "--param", ["a was given twice", "1 or 2"]),
        ("-p a=1 --capture a", "--param", ["--capture a asks for"]),
        ("-p slml=1", "--param", ["platform's own `slml`"]),
        ("-p helper=1", "--param", ["the notebook's `helper` (function)"]),
        ("--capture a --no-capture a", "--no-capture", ["contradict"]),
        ("-o json", "--output", ["`json` is a module", "It assigns: made."]),
        ("-o json2", "--output", ["`json2` is a module"]),
        ("--files nothing.csv", "--files", ["there is no such file or folder"]),
        ("--files 'no*.csv'", "--files", ["no file matches it"]),
        ("--files empty", "--files", ["holds no files"]),
        ("--files", "--files", ["expected at least one argument"]),
    ],
)
def test_bad_values_name_option_value_and_remedy(
    shell: InteractiveShell, platform: Platform, line: str, field: str, words: list[str]
) -> None:
    Path("rows.csv").write_text("1")
    Path("empty").mkdir()
    run(shell, "import json\na = 1\ndef helper(): return 1")
    error = refused(shell, f"%%train {line}\nimport json as json2\nmade = helper(), json")
    assert isinstance(error, (Invalid, NotFound))
    assert error.field == field and error.remedy
    for word in words:
        assert word in str(error)
    assert len(str(error)) < 1500
    assert platform.sent == [] and platform.records == {}


def test_ten_megabytes_are_no_parameter(shell: InteractiveShell, platform: Platform) -> None:
    shell.user_ns["long"] = "x" * 10_000_000
    error = refused(shell, "%%train -p text={long}\nprint(text)")
    assert error.field == "--param" and "at most 262144 are allowed" in str(error)
    assert len(str(error)) < 1000 and len(str(error.value)) < 300


def test_a_parameter_stands_in_for_a_plain_default(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "depth = 3\nfinal = depth")
    made = spec(shell, "%%train -p depth=5\nfound = depth")
    assert made.parameters == {"depth": 5} and made.captures == []


def test_unicode_names(shell: InteractiveShell, platform: Platform) -> None:
    run(shell, "größe = 2\nµ = 4")
    made = spec(shell, "%%train --name größe-1 -p \u212b=1 -o ergebnis\nergebnis = größe * \u212b * µ")
    assert made.name == "größe-1" and made.parameters == {"\xc5": 1}
    assert {capture.name for capture in made.captures} == {"größe", "\u03bc"}
    assert spec(shell, "%%train --capture \xb5\nx = 1").captures[0].name == "\u03bc"


def test_files_travel_under_paths_that_stay_inside(shell: InteractiveShell, platform: Platform) -> None:
    here = Path.cwd()
    for name in ("data/a.csv", "data/deep/b.csv", "data/.hidden", "c.txt", "../up.txt", "../side/d.txt"):
        (here / name).parent.mkdir(exist_ok=True, parents=True)
        (here / name).write_text(name)
    made = spec(shell, "%%train --files data c*.txt ../up.txt --files ../side -p k=1\nx = open('c.txt')")
    assert made.bundle is not None
    assert made.bundle.files == ["c.txt", "data/a.csv", "data/deep/b.csv", "side/d.txt", "up.txt"]
    assert made.parameters == {"k": 1}
    (here / "up.txt").write_text("mine")
    error = refused(shell, "%%train --files up.txt ../up.txt\nx = 1")
    assert "would both be 'up.txt'" in str(error)
    table = repr(run(shell, "%%train --files data --dry-run\nx = 1"))
    assert "data/deep/b.csv  file  15 B  zip" in table


def test_a_heavy_cell_says_so(shell: InteractiveShell, platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    run(shell, "import numpy as np\nbig, small = np.ones(200_000), np.ones(10)")
    run(shell, "%%train\nbig, small")
    assert "travel with this cell" not in capsys.readouterr().err
    run(shell, "slml.config.warn_bytes = 2**20")
    run(shell, "%%train\nbig, small")
    said = capsys.readouterr().err
    assert "1.5 MiB travel with this cell; the largest: big (numpy.ndarray, 1.5 MiB), small" in said
    assert said.count("\n") == 1
    run(shell, "slml.config.warn_bytes = 0")
    run(shell, "%%train\nbig, small")
    assert capsys.readouterr().err == ""
    assert refused(shell, "slml.config.warn_bytes = 'much'").field == "warn_bytes"
    assert refused(shell, "slml.config.workers = 3").field == "workers"

"""Help and completion are made from the same models as everything else."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.domain.specs import DeployOptions, TrainOptions
from jupyter_slml.notebook.endpoints import DeployLine
from jupyter_slml.notebook.line import OPTIONS
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.words import tokenize
from tests.unit.notebook.platform import Platform


def test_every_option_of_the_spec_is_an_option_of_the_magic() -> None:
    assert {entry.field for entry in OPTIONS.entries} >= set(TrainOptions.model_fields)
    deploy = Options("%deploy", DeployLine, "", "")
    assert {entry.field for entry in deploy.entries} >= set(DeployOptions.model_fields) | {"model"}


def test_help_is_the_docstring_and_the_answer_to_h(shell: InteractiveShell, platform: Platform) -> None:
    function = shell.magics_manager.magics["cell"]["train"]
    for flag in ("--name NAME", "-p KEY=VALUE", "--dry-run", "--wait, --no-wait", "example:"):
        assert flag in (inspect.getdoc(function) or "")
    shown = shell.run_line_magic("train", "--help")
    assert "--register MODEL" in repr(shown)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%train --na", {"--name"}),
        ("%%train --name x --re", {"--register", "--retries"}),
        ("%%train --input-mode ", {"file", "stream"}),
        ("%%train --no-au", {"--no-autolog"}),
        ("%jobs --state su", {"succeeded"}),
        ("%jobs stop --state q", {"queued"}),
        ("%%train --instance cpu.s", {"cpu.small"}),
        ("%deploy --inst", {"--instance"}),
        ("%deploy --policy f", {"fixed"}),
        ("%tokens create ci --scope ", {"invoke", "metrics"}),
        ("%endpoint churn --dec", {"--decisions"}),
    ],
)
def test_completion(shell: InteractiveShell, platform: Platform, text: str, expected: set[str]) -> None:
    assert shell.Completer is not None
    with provisionalcompleter():
        assert {item.text for item in shell.Completer.completions(text, len(text))} == expected


def test_completion_of_types_asks_a_running_daemon_and_starts_none(
    shell: InteractiveShell, platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offered() -> set[str]:
        assert shell.Completer is not None
        text = "%%train -i gpu."
        with provisionalcompleter():
            return {item.text for item in shell.Completer.completions(text, len(text))}

    monkeypatch.setenv("SLML_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("jupyter_slml.client.connect", lambda **_: pytest.fail("no daemon runs"))
    assert offered() == {"gpu.small"}
    assert not (tmp_path / "home").exists()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/daemon.json").write_text("{}")
    monkeypatch.setattr("jupyter_slml.client.start.running", lambda place: {})
    monkeypatch.setattr("jupyter_slml.client.connect", lambda **options: platform if options == {"start": False} else None)
    monkeypatch.setattr("jupyter_slml.notebook.session._FRESH", 0.0)
    assert offered() == {"gpu.small", "gpu.lab"}


def test_completion_leaves_the_cells_body_alone(shell: InteractiveShell, platform: Platform) -> None:
    assert shell.Completer is not None
    shell.user_ns["frames"] = 1
    text = "%%train --name x\nfram"
    with provisionalcompleter():
        assert "frames" in {item.text for item in shell.Completer.completions(text, len(text))}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("-p 'a b' c", ["-p", "a b", "c"]),
        ("{x} $x a{x}b $x-$x", [[1], [1], "a[1]b", "[1]-[1]"]),
        ("--rows={x}", ["--rows", [1]]),
        ("k={x}", [("k", [1])]),
        ('{{x}} \'{"a": 1}\' \'{"a": {"b": 2}}\'', ["{x}", '{"a": 1}', '{"a": {"b": 2}}']),
        ("{len(x) + 1} -p y={d['a b']} \"{x}\" '{d}'", [2, "-p", ("y", 5), [1], {"a b": 5}]),
        ("'[[1, 2]]' a@b 5$", ["[[1, 2]]", "a@b", "5$"]),
    ],
)
def test_tokens(line: str, values: list[object]) -> None:
    assert [token.value for token in tokenize(line, {"x": [1], "d": {"a b": 5}})] == values


def test_loading_is_quick_and_imports_nothing_heavy() -> None:
    code = """
import asyncio, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.history_manager.enabled = False
before, began = set(sys.modules), time.process_time()
shell.run_line_magic("load_ext", "jupyter_slml")
took = time.process_time() - began
heavy = "dask distributed sqlalchemy numpy pandas pyarrow sklearn xgboost httpx ipywidgets fastapi obstore".split()
print(took, [name for name in set(sys.modules) - before if name.partition(".")[0] in heavy])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    seconds, _, heavy = done.stdout.strip().partition(" ")
    assert heavy == "[]"
    # Of this process's own time: the machine may be busy.
    assert float(seconds) < 0.6


def test_unloading_takes_everything_away(shell: InteractiveShell, platform: Platform) -> None:
    from jupyter_slml.notebook.extension import unload

    assert shell.Completer is not None
    assert "slml" in shell.user_ns and "train" in shell.magics_manager.magics["cell"]
    unload(shell)
    assert "slml" not in shell.user_ns
    assert not {"train", "jobs", "deploy"} & (
        set(shell.magics_manager.magics["line"]) | set(shell.magics_manager.magics["cell"])
    )
    assert shell.Completer.custom_matchers == []

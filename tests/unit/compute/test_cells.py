"""What a cell assigns, which parameters win, how exceptions read, what comes back."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_slml.compute.assigned import assigned
from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.failures import describe
from jupyter_slml.compute.handle import JobHandle
from jupyter_slml.compute.results import MAX_IMPLICIT_BYTES, NotStored, collect
from jupyter_slml.compute.shell import KeepParameters
from jupyter_slml.errors import Invalid


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = 1; b, (c, *d) = 1, (2, 3)", ["a", "b", "c", "d"]),
        ("a: int = 1; b: int", ["a"]),
        ("a += 1", ["a"]),
        ("if x:\n a = 1\nelse:\n b = 2", ["a", "b"]),
        ("for i in x:\n a = i\nwith f() as g:\n b = 1\ntry:\n c = 1\nexcept E as e:\n d = 1", ["a", "b", "c", "d"]),
        ("print(a := 1)", ["a"]),
        ("import os\ndef f():\n a = 1\nclass C:\n b = 1\ng = lambda: (c := 1)", ["g"]),
        ("_hidden = 1; x.y = 1; z[0] = 1", []),
        ("[b for b in (a := range(3))]", ["a"]),
    ],
)
def test_names_that_a_cell_leaves(source: str, names: list[str]) -> None:
    assert assigned(ast.parse(source)) == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("%%time\nmodel = 1\nrows = !ls\ndef f():\n    x = 2", ["model", "rows"]),
        ("%%time\n%%capture out\n%time a = 1\nb = %time 2", ["a", "b"]),
        ("%%capture --no-stderr\nif x:\n    a = 1", ["a"]),
        ("%%prun -q\na = 1", ["a"]),
        ("%%timeit -n 1\na = 1", []),
        ("%%bash\na=1", []),
        ("x = 1\n%time --no-raise-error y = 2\nif x:\n    %time z = 3", ["x", "z"]),
    ],
)
def test_names_that_a_cell_leaves_below_magics(source: str, names: list[str]) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    transform = TransformerManager().transform_cell  # type: ignore[no-untyped-call]
    assert assigned(ast.parse(transform(source)), transform) == names


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("depth = 3", 10),
        ("depth: int = -3", 10),
        ("depth = [1, {'a': 2}]", 10),
        ("depth = 3 * 2", 6),
        ("depth = other = 3", 3),
        ("if True:\n depth = 3", 3),
        ("depth += 1", 11),
        ("def f():\n depth = 3\nf()", 10),
    ],
)
def test_a_parameter_wins_over_a_literal_default(source: str, value: int) -> None:
    tree = KeepParameters({"depth"}).visit(ast.parse(source + "\nassert True"))
    assert tree.body[-1].lineno == source.count("\n") + 2
    names: dict[str, Any] = {"depth": 10}
    exec(compile(tree, "<cell>", "exec"), names)
    assert names["depth"] == value


def _raise(source: str) -> BaseException:
    with pytest.raises(BaseException) as caught:
        exec(compile(source, "<churn In[3]>", "exec"), {"np": np})
    return caught.value


def test_a_failure_tells_the_users_frames_alone(tmp_path: Path) -> None:
    error = _raise("def f():\n    return np.zeros(3).reshape(4)\n\nf()")
    told = describe(error, "<churn In[3]>", tmp_path)
    assert (told["ename"], told["line"]) == ("ValueError", 2)
    text = "\n".join(told["traceback"])
    assert 'File "<churn In[3]>", line 4' in text and "numpy" not in text and "test_cells" not in text


def test_chained_failures_and_groups_are_told(tmp_path: Path) -> None:
    error = _raise("try:\n 1/0\nexcept Exception as e:\n raise KeyError('k') from e")
    text = "\n".join(describe(error, "<churn In[3]>", tmp_path)["traceback"])
    assert "ZeroDivisionError" in text and "direct cause" in text and "test_cells" not in text
    error = _raise("raise ExceptionGroup('many', [ValueError('one')])")
    assert "one" in "\n".join(describe(error, "<churn In[3]>", tmp_path)["traceback"])
    error = _raise("raise ValueError('x' * 10**6)")
    assert len(json.dumps(describe(error, "<churn In[3]>", tmp_path))) < 50_000


def test_what_comes_back(tmp_path: Path) -> None:
    names = {"a": 1, "lock": __import__("threading").Lock(), "big": np.zeros(MAX_IMPLICIT_BYTES // 8 + 1), "os": os}
    outputs, skipped = collect(names, [], list(names), tmp_path)
    assert [(item["name"], item["format"], item["type"]) for item in outputs] == [("a", "json", "int")]
    assert skipped.keys() == {"lock", "big", "os"}
    assert "--output big" in skipped["big"]
    outputs, skipped = collect({"big": np.zeros(10)}, ["big"], ["other"], tmp_path)
    assert outputs[0]["format"] == "npy" and not skipped
    with pytest.raises(NotStored, match="'model'"):
        collect({}, ["model"], [], tmp_path)
    with pytest.raises(NotStored, match="'lock'"):
        collect(names, ["lock"], [], tmp_path)


@pytest.fixture
def channel() -> Any:
    read, write = os.pipe()
    yield Channel(write), lambda: [json.loads(line) for line in os.read(read, 65536).splitlines()]
    os.close(read)
    os.close(write)


def handle(channel: Channel) -> JobHandle:
    folder = Path("/nowhere")
    return JobHandle(
        channel, job="j", attempt="a", name="churn", parameters={"depth": 3}, checkpoint_dir=folder, output_dir=folder
    )


def test_metrics_are_numbers(channel: Any, capsys: pytest.CaptureFixture[str]) -> None:
    slml = handle(channel[0])
    slml.log(auc=np.float32(0.5), n=3)
    slml.log(7, loss=0.25)
    slml.log(step=8, loss=float("nan"), auc=True)
    heard = [(message["step"], message["values"]) for message in channel[1]()]
    assert heard == [(None, {"auc": 0.5, "n": 3.0}), (7, {"loss": 0.25}), (8, {"auc": 1.0})]
    assert "loss is nan" in capsys.readouterr().err
    with pytest.raises(Invalid, match="'auc' is a str"):
        slml.log(auc="0.5")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="needs a metric"):
        slml.log(3)
    with pytest.raises(TypeError):
        slml.parameters["depth"] = 4  # type: ignore[index]


def test_a_closed_or_reused_descriptor_is_left_alone(tmp_path: Path) -> None:
    read, write = os.pipe()
    channel = Channel(write)
    with (tmp_path / "mine").open("w") as file:
        os.dup2(file.fileno(), write)
        assert not channel.send({"kind": "result"})
    os.close(write)
    assert not channel.send({"kind": "result"})
    assert (tmp_path / "mine").read_text() == ""
    os.close(read)


def test_displays_are_bounded(channel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_slml.compute.channel.MAX_DISPLAY_BYTES", 200)
    for number in range(10):
        channel[0].display({"data": {"text/plain": f"{number}" * 50}})
    heard = channel[1]()
    assert len(heard) == 3
    assert "left out" in heard[-1]["output"]["data"]["text/plain"]

"""One attempt in a real runner: what comes back, and how each kind of end reads."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from jupyter_slml.compute import procfs
from jupyter_slml.compute.link import ask
from jupyter_slml.domain import formats
from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.specs import Capture, Origin, SourceBundle
from jupyter_slml.domain.states import AttemptState

pytestmark = pytest.mark.anyio


def stored(blobs: Any, outcome: Any, name: str) -> Any:
    item = next(item for item in outcome.outputs if item.name == name)
    return formats.by_key(item.format).read(blobs.local(item.digest, Path("/nowhere")))


def capture(blobs: Any, name: str, value: Any, tmp_path: Path) -> Capture:
    chosen = formats.choose(value, formats.CAPTURE_FORMATS)
    path = tmp_path / name
    with path.open("wb") as file:
        chosen.write(value, file)
    digest, size = blobs.add_file(path)
    return Capture(name=name, format=chosen.key, digest=digest, size=size, type=formats.type_name(value))


async def test_captures_parameters_outputs_metrics_displays_and_logs(
    follow: Any, order: Any, blobs: Any, log: Any, tmp_path: Path
) -> None:
    array, frame = np.arange(6.0), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    captures = [
        capture(blobs, "array", array, tmp_path),
        capture(blobs, "frame", frame, tmp_path),
        capture(blobs, "twice", lambda value: 2 * value, tmp_path),
        Capture(name="np", format="module", digest="numpy", size=0, type="module"),
    ]
    source = """
import os
print('hello', flush=True)
depth = 3
rate: float = .5
total = twice(float(array.sum())) + depth + rate
array[0] = 100
slml.log(auc=np.float32(.5)); slml.log(3, auc=.75, loss=float('nan'))
left, (right, *rest) = 1, (2, 3)
lock = __import__('threading').Lock()
home = os.environ['TOKEN'], str(slml.checkpoint_dir), dict(slml.parameters)
for i in range(3): loop = i
frame
"""
    asked = order(source, captures=captures, parameters={"depth": 10}, env={"TOKEN": "t"}, origin=Origin(execution_count=3))
    followed = await follow(asked)
    outcome = await followed.outcome()
    assert (outcome.state, outcome.reason, outcome.message) == (AttemptState.SUCCEEDED, Reason.DONE, "")
    assert [message["kind"] for message in followed.heard if message["kind"] == "started"] == ["started"]
    assert stored(blobs, outcome, "total") == 30 + 10 + 0.5
    assert {item.name for item in outcome.outputs} == {"depth", "rate", "total", "left", "right", "rest", "home", "loop"}
    assert "lock" in outcome.skipped and "pickle" in outcome.skipped["lock"]
    token, checkpoints, parameters = stored(blobs, outcome, "home")
    assert (token, parameters) == ("t", {"depth": 10})
    assert checkpoints.endswith(f"checkpoints/{asked.job}")
    assert outcome.metrics == {"auc": 0.75}
    points = b"".join(blobs.get(key) for key in blobs.list(f"attempts/{asked.id}/metrics")).splitlines()
    assert [json.loads(line)["step"] for line in points] == [None, 3]
    assert outcome.displays is not None
    displays = json.loads(b"".join(blobs.read(outcome.displays)))
    assert displays[0]["output_type"] == "execute_result" and "text/html" in displays[0]["data"]
    text = log(asked.id)
    assert text.startswith("hello\n") and "loss is nan" in text
    assert outcome.forked_at and outcome.first_line_at and outcome.ended_at
    assert outcome.forked_at - 1 < outcome.first_line_at < outcome.ended_at
    # The stored bytes of the captured array are what they were.
    assert np.load(blobs.local(captures[0].digest, tmp_path))[0] == 0


async def test_a_model_comes_back_with_its_signature(follow: Any, order: Any, blobs: Any) -> None:
    source = (
        "import numpy as np, xgboost\nfrom sklearn.linear_model import LogisticRegression\n"
        "X = np.random.rand(100, 3); y = (X[:, 0] > .5).astype(int)\n"
        "model = xgboost.XGBClassifier(n_estimators=3).fit(X, y)\n"
        "linear = LogisticRegression().fit(X, y)"
    )
    outcome = await (await follow(order(source, outputs=["model", "linear"]))).outcome()
    assert [(item.name, item.format) for item in outcome.outputs] == [("model", "xgboost-ubj"), ("linear", "skops")]
    assert [item.signature and item.signature["features"] for item in outcome.outputs] == [3, 3]
    assert stored(blobs, outcome, "model").predict(np.random.rand(4, 3)).shape == (4,)


async def test_a_bundle_is_importable(follow: Any, order: Any, blobs: Any, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "b.zip", "w") as bundle:
        bundle.writestr("mine.py", "def f():\n    raise KeyError('deep')\n")
        bundle.writestr("data/x.txt", "content")
    digest, size = blobs.add_file(tmp_path / "b.zip")
    source = "import mine\ntext = open('data/x.txt').read()\nmine.f()"
    asked = order(source, bundle=SourceBundle(digest=digest, size=size, files=["mine.py", "data/x.txt"]))
    outcome = await (await follow(asked)).outcome()
    assert outcome.error is not None
    assert outcome.error.line == 3
    assert any("mine.py" in line for line in outcome.error.traceback)


ENDS = {
    "exception": ("x = 1\n1 / 0", Reason.EXCEPTION, "ZeroDivisionError: division by zero (line 2 of the cell)"),
    "syntax": ("x = 1\nf(", Reason.EXCEPTION, "SyntaxError: incomplete input"),
    "exit": ("import sys\nsys.exit(3)", Reason.EXIT, "sys.exit(3)"),
    "_exit": ("import os\nos._exit(3)", Reason.EXIT, "exit code 3"),
    "segfault": ("import ctypes\nctypes.string_at(0)", Reason.EXIT, "SIGSEGV"),
    "kill": ("import os\nos.kill(os.getpid(), 9)", Reason.EXIT, "SIGKILL"),
    "stdin": ("input()", Reason.EXCEPTION, "EOFError"),
    "undeclared": ("y = 1", Reason.OUTPUT, "'model'"),
    "unstorable": ("model = __import__('threading').Lock()", Reason.OUTPUT, "'model'"),
    "metric": ("slml.log(auc='high')", Reason.EXCEPTION, "'auc' is a str, not a number"),
    "fds": ("import os\nos.closerange(0, 100)", Reason.EXIT, "closed descriptors"),
    "deep": ("def f(): f()\nf()", Reason.EXCEPTION, "RecursionError"),
    "unprintable": ("class E(Exception):\n  def __str__(self): 1/0\nraise E", Reason.EXCEPTION, "E: "),
}


@pytest.mark.parametrize("name", ENDS)
async def test_each_failure_says_what_happened(follow: Any, order: Any, name: str) -> None:
    source, reason, words = ENDS[name]
    declared = ["model"] if reason is Reason.OUTPUT else []
    outcome = await (await follow(order(source, outputs=declared))).outcome()
    assert (outcome.state, outcome.reason) == (AttemptState.FAILED, reason)
    assert words in outcome.message
    if reason is Reason.EXCEPTION:
        assert outcome.error is not None
        text = "\n".join(outcome.error.traceback)
        assert "\x1b" not in text and "site-packages" not in text and "jupyter_slml/" not in text


@pytest.mark.parametrize("source", ["import os, shutil\nshutil.rmtree(os.getcwd())\nx = 1", "import os\nos.close(1)\nx = 1"])
async def test_what_a_cell_may_do_to_itself(follow: Any, order: Any, source: str) -> None:
    outcome = await (await follow(order(source))).outcome()
    assert outcome.state is AttemptState.SUCCEEDED, outcome
    assert [item.name for item in outcome.outputs] == ["x"]


async def test_a_capture_whose_module_is_missing_names_it(follow: Any, order: Any, blobs: Any, tmp_path: Path) -> None:
    captures = [Capture(name="polars", format="module", digest="polars_missing.x", size=0, type="module")]
    outcome = await (await follow(order("1", captures=captures))).outcome()
    assert outcome.reason is Reason.EXCEPTION
    assert "no module 'polars_missing'" in outcome.message and "Install polars_missing" in outcome.message
    lost = [Capture(name="x", format="npy", digest="0" * 64, size=1, type="ndarray")]
    outcome = await (await follow(order("1", captures=lost))).outcome()
    assert (outcome.state, outcome.reason) == (AttemptState.FAILED, Reason.INPUT)
    assert "could not be brought to the worker" in outcome.message


async def test_timeout_and_memory_have_numbers(follow: Any, order: Any) -> None:
    outcome = await (await follow(order("while True: pass", timeout=0.3))).outcome()
    assert (outcome.state, outcome.reason) == (AttemptState.TIMED_OUT, Reason.TIMEOUT)
    assert "0.3 s" in outcome.message
    hog = "import time\nx = []\nwhile True: x.append(bytearray(2**20)); time.sleep(.001)"
    outcome = await (await follow(order(hog, memory=100 * 2**20))).outcome()
    assert (outcome.state, outcome.reason) == (AttemptState.FAILED, Reason.MEMORY)
    assert "cpu.small allows 100 MiB" in outcome.message


async def test_stop_ends_everything(follow: Any, order: Any, place: Any, until: Any, log: Any) -> None:
    source = (
        "import subprocess, time\n"
        "print(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid, flush=True)\n"
        "slml.log(x=1)\ntime.sleep(1000)"
    )
    asked = order(source)
    followed = await follow(asked)
    pid = (await followed.until("started"))["pid"]
    await followed.until("progress")
    answer = await ask(place, {"op": "stop", "id": asked.id, "reason": "stop", "grace": 0.2})
    assert answer == {"known": True}
    outcome = await followed.outcome()
    assert (outcome.state, outcome.reason, outcome.metrics) == (AttemptState.STOPPED, Reason.STOP, {"x": 1.0})
    escaped = int(log(asked.id))
    assert procfs.started(pid) is None and procfs.started(escaped) is None
    assert await ask(place, {"op": "stop", "id": asked.id, "reason": "stop", "grace": 0}) == {"known": False}


async def test_an_order_is_carried_out_once(follow: Any, order: Any, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    source = (
        f"import os, time\nopen({str(marks)!r}, 'a').write('x')\nslml.log(m=2)\n"
        f"while not os.path.exists({str(marks)!r} + '.go'): time.sleep(.01)"
    )
    asked = order(source)
    first, second = await follow(asked), await follow(asked)
    await first.until("progress")
    first.close()
    late = await follow(asked)
    assert (await late.until("started"))["kind"] == "started"
    assert (await late.until("first_line"))["at"] > 0
    assert (await late.until("progress"))["metrics"] == {"m": 2.0}
    Path(f"{marks}.go").touch()
    outcomes = [await second.outcome(), await late.outcome(), await (await follow(asked)).outcome()]
    assert outcomes[0].state is AttemptState.SUCCEEDED
    assert outcomes == [outcomes[0]] * 3
    assert marks.read_text() == "x"


async def test_a_start_taken_elsewhere_is_fenced(follow: Any, order: Any, blobs: Any, tmp_path: Path) -> None:
    asked = order(f"open({str(tmp_path / 'ran')!r}, 'w')")
    start = {"host": "elsewhere", "runner": "r", "at": 1.0}
    blobs.create(f"attempts/{asked.id}/start.json", json.dumps(start).encode())
    assert await (await follow(asked)).until() == {"kind": "fenced", "start": start}
    # A dead runner of this host cannot come back: its attempt is given up here.
    mine = order(f"open({str(tmp_path / 'ran')!r}, 'w')")
    start = {"host": os.uname().nodename, "runner": "dead", "at": 1.0}
    blobs.create(f"attempts/{mine.id}/start.json", json.dumps(start).encode())
    assert (await (await follow(mine)).outcome()).state is AttemptState.LOST
    assert not (tmp_path / "ran").exists()


async def test_a_flood_of_output_costs_no_memory(follow: Any, order: Any, blobs: Any, place: Any) -> None:
    hello = await ask(place, {"op": "hello"}) or await ask(place, {"op": "hello"})
    before = 0 if hello is None else procfs.private_memory(hello["pid"])
    asked = order("line = 'x' * 999\nfor _ in range(100_000): print(line)", memory=200 * 2**20)
    outcome = await (await follow(asked)).outcome()
    assert outcome.state is AttemptState.SUCCEEDED, outcome
    keys = blobs.list(f"attempts/{asked.id}/log")
    size = sum(len(json.loads(line)["x"]) for key in keys for line in blobs.get(key).splitlines())
    assert size == 100_000_000
    hello = await ask(place, {"op": "hello"})
    assert hello is not None
    assert procfs.private_memory(hello["pid"]) - before < 64 * 2**20


async def test_the_first_line_is_near(follow: Any, order: Any) -> None:
    """Measured numbers with -s; the bound is loose."""
    delays, forks = [], []
    for _ in range(10):
        begun = time.time()
        outcome = await (await follow(order("import numpy, pandas, sklearn, xgboost"))).outcome()
        delays.append(1000 * ((outcome.first_line_at or 0) - begun))
        forks.append(1000 * (time.time() - begun))
    print(
        "runner: first line ms",
        sorted(round(delay, 1) for delay in delays),
        "outcome ms",
        sorted(round(f, 1) for f in forks),
    )
    assert min(delays) < 250


def test_functions_of_the_notebook_find_the_jobs_slml() -> None:
    from jupyter_slml import here

    with pytest.raises(LookupError):
        here.get()
    assert cloudpickle.loads(cloudpickle.dumps(here.get)) is here.get

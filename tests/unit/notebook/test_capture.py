"""Values of the notebook behave in a fresh process as they do here; what cannot travel is refused by name."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from jupyter_slml.errors import CaptureError, Invalid, StorageFull
from jupyter_slml.notebook import bundle
from tests.unit.notebook.notebook import Notebook


def test_each_value_in_its_best_format(notebook: Notebook) -> None:
    notebook.run("import numpy as np, pandas as pd\na = np.arange(6.0)\nf = pd.DataFrame({'x': [1, 2]})\nn = 3\nt = (1, 2)")
    cargo = notebook.capture("np, a, f, n, t")
    assert {capture.name: capture.format for capture in cargo.captures} == {
        "np": "module",
        "a": "npy",
        "f": "arrow",
        "n": "json",
        "t": "cloudpickle",
    }
    assert next(item.digest for item in cargo.captures if item.name == "np") == "numpy"
    cargo.close()
    assert (
        notebook.elsewhere("print(type(a).__name__, a.sum(), f.x.sum(), n, t, np.__name__)")
        == "ndarray 15.0 3 3 (1, 2) numpy"
    )


def test_functions_travel_with_their_globals_and_share_them_with_the_cell(notebook: Notebook) -> None:
    notebook.run("counter = []\nstep = 1\ndef inner(): counter.append(step)\ndef bump(): inner()")
    assert notebook.elsewhere("bump()\nstep = 5\nbump()\nprint(counter)") == "[1, 5]"


def test_globals_of_functions_are_captures_of_their_own(notebook: Notebook) -> None:
    notebook.run("import numpy as np\ntable = np.zeros(10_000)\ndef total(): return float(np.sum(table))")
    cargo = notebook.capture("total()")
    assert {capture.name: capture.format for capture in cargo.captures} == {
        "np": "module",
        "table": "npy",
        "total": "cloudpickle",
    }
    assert next(capture.size for capture in cargo.captures if capture.name == "total") < 2000
    cargo.close()


def test_classes_keep_their_identity(notebook: Notebook) -> None:
    notebook.run(
        "class A:\n    def same(self): return isinstance(self, A)\nclass B(A): pass\nitems = [A(), B()]\nmake = lambda: B()"
    )
    cell = "print([type(i) is k for i, k in zip(items, (A, B))], isinstance(make(), B), items[1].same())"
    assert notebook.elsewhere(cell) == "[True, True] True True"


def test_instances_alone_bring_what_their_methods_read(notebook: Notebook) -> None:
    notebook.run("rate = 2\ndef scaled(v): return v * rate\nclass P:\n    def go(self): return scaled(21)\np = P()")
    assert notebook.elsewhere("print(p.go())") == "42"


def test_decorated_and_partial_functions(notebook: Notebook) -> None:
    notebook.run(
        "import functools\n"
        "def twice(f):\n    @functools.wraps(f)\n    def g(*a): return f(f(*a))\n    return g\n"
        "k = 3\n@twice\ndef add(x): return x + k\nadd4 = functools.partial(add, 4)"
    )
    assert notebook.elsewhere("print(add(1), add4())") == "7 10"


def test_submodules_that_the_cell_uses(notebook: Notebook) -> None:
    notebook.run("import xml.etree.ElementTree\nimport os.path as p")
    assert notebook.elsewhere("print(xml.etree.ElementTree.fromstring('<a/>').tag, p.basename('a/b'))") == "a b"


def test_local_modules_travel_also_through_functions(notebook: Notebook) -> None:
    Path("mine.py").write_text("import other\ndef f(): return other.g() + 1\n")
    Path("other.py").write_text("def g(): return 41\n")
    Path("pack").mkdir()
    Path("pack/__init__.py").write_text("from pack.part import V\n")
    Path("pack/part.py").write_text("V = 'v'\n")
    notebook.run("import mine\nfrom pack import part\ndef call(): return mine.f()")
    assert notebook.elsewhere("import pack.part\nprint(call(), part.V)") == "42 v"
    cargo = notebook.capture("call()")
    assert cargo.bundle is not None and cargo.bundle.files == ["mine.py", "other.py"]
    cargo.close()


def test_literal_files_travel_and_the_bundle_is_the_same_bytes(notebook: Notebook) -> None:
    Path("data").mkdir()
    Path("data/a.csv").write_text("x\n1\n")
    Path("b.txt").write_text("b")
    notebook.run("def load(): return open('b.txt').read()")
    assert notebook.elsewhere("print(open('data/a.csv').read().split(), load())") == "['x', '1'] b"
    digests = set()
    for _ in range(2):
        cargo = notebook.capture("open('data/a.csv'), open('/etc/hostname'), 'nothing.csv'")
        assert cargo.bundle is not None and cargo.bundle.files == ["data/a.csv"]
        digests.add(cargo.bundle.digest)
        cargo.close()
        Path("data/a.csv").touch()
    assert len(digests) == 1


def test_too_many_bytes_of_files(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 10)
    Path("big.bin").write_bytes(b"x" * 100)
    with pytest.raises(CaptureError, match=r"the largest is 'big\.bin'"):
        notebook.capture("open('big.bin')")


def test_a_second_capture_has_the_same_digests(notebook: Notebook) -> None:
    notebook.run("import numpy as np\nx = np.ones(5)\nk = {'a': 1}")
    notebook.run("class M:\n    def f(self): return k\nm = M()\ndef g(): return m, x")
    runs = []
    for _ in range(2):
        cargo = notebook.capture("g()")
        runs.append({capture.name: capture.digest for capture in cargo.captures})
        cargo.close()
    assert runs[0] == runs[1]


def test_what_the_cell_binds_first_is_not_captured(notebook: Notebook) -> None:
    notebook.run("model = 1\nlock = __import__('threading').Lock()")
    cargo = notebook.capture("lock = None\nmodel = 2\nprint(model, lock)")
    assert cargo.captures == []
    cargo.close()


def test_a_users_own_name_of_a_builtin_is_captured(notebook: Notebook) -> None:
    notebook.run("sum = lambda x: 'mine'")
    assert notebook.elsewhere("print(sum([1]), len([1]))") == "mine 1"
    notebook.run("del sum")


@pytest.mark.parametrize(
    ("define", "cell", "words"),
    [
        pytest.param(
            "import threading\nlock = threading.Lock()", "x = 1\nprint(lock)", ["`lock`", "lock", "line 2"], id="lock"
        ),
        pytest.param(
            "import sqlite3\ndb = sqlite3.connect(':memory:')", "db", ["`db`", "sqlite3.Connection", "line 1"], id="db"
        ),
        pytest.param("rows = (i for i in range(3))", "list(rows)", ["`rows`", "generator", "list first"], id="generator"),
        pytest.param(
            "import threading\nsettings = {'a': [1, {'lock': threading.Lock()}]}",
            "settings",
            ["`settings`", "`settings['a'][1]['lock']`", "lock"],
            id="nested",
        ),
        pytest.param(
            "import threading\nguard = threading.Lock()\ndef work():\n    with guard: pass",
            "\n\nwork()",
            ["`guard`", "read by `work`", "line 3"],
            id="through-a-function",
        ),
        pytest.param(
            "import threading\ndef outer():\n    held = threading.Lock()\n    return lambda: held\nf = outer()",
            "f()",
            ["`f → held`"],
            id="closure",
        ),
        pytest.param(
            "class Bad:\n    def __reduce__(self): raise RuntimeError('not me')\nbad = Bad()",
            "bad",
            ["`bad`", "not me"],
            id="own-error",
        ),
    ],
)
def test_refusals_name_the_thing_and_the_remedy(notebook: Notebook, define: str, cell: str, words: list[str]) -> None:
    notebook.run(define)
    with pytest.raises(CaptureError) as caught:
        notebook.capture(cell)
    for word in [*words, "cannot travel", "--no-capture"]:
        assert word in str(caught.value)
    assert threading.active_count() >= 1


def test_a_full_disk_is_called_so(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    notebook.run("x = 1")
    monkeypatch.setattr("jupyter_slml.notebook.capture.encode", full)
    with pytest.raises(StorageFull, match="The disk is full: `x` \\(int\\) could not be written"):
        notebook.capture("x")


def test_no_capture_lets_the_cell_do_without(notebook: Notebook) -> None:
    notebook.run("import threading\nlock = threading.Lock()")
    cargo = notebook.capture("lock = globals().get('lock') or 1\nlock", without=["lock"])
    assert cargo.captures == []
    cargo.close()


def test_capture_adds_what_analysis_cannot_see(notebook: Notebook) -> None:
    notebook.run("secret = 7")
    assert notebook.elsewhere("print(eval('secre' + 't'))", also=["secret"]) == "7"
    with pytest.raises(Invalid, match="--capture nothing"):
        notebook.capture("1", also=["nothing"])


def test_undefined_names_with_line_and_guess(notebook: Notebook) -> None:
    notebook.run("features = 1")
    with pytest.raises(Invalid) as caught:
        notebook.capture("x = 1\nprint(featurs)")
    assert str(caught.value) == "`featurs` is not defined (line 2 of the cell).\n  Did you mean `features`?"
    with pytest.raises(Invalid, match="IPython's own Out stays"):
        notebook.capture("Out[1]")

"""What a cell needs through what it needs: classes, closures, decorators, local packages. Run in a fresh process."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_slml.errors import CaptureError
from tests.unit.notebook.notebook import Notebook


@pytest.mark.parametrize(
    ("define", "cell", "printed"),
    [
        pytest.param(
            "from dataclasses import dataclass, field\n@dataclass(order=True)\nclass P:\n    x: int\n"
            "    y: list = field(default_factory=list)\np = P(1)",
            "from dataclasses import fields, replace\nprint([f.name for f in fields(p)], replace(p, x=2) > p, type(p) is P)",
            "['x', 'y'] True True",
            id="dataclass",
        ),
        pytest.param(
            "import enum\nclass C(enum.Enum):\n    A = 1\nc = C.A", "print(c is C.A, C['A'])", "True C.A", id="enum"
        ),
        pytest.param(
            "import abc\nscale = 4\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n"
            "    @property\n    def g(self): return scale * 2\n    @staticmethod\n    def s(): return scale\n"
            "class B(A):\n    def f(self): return self.g\nclass D(B):\n    def f(self): return super().f() + 1",
            "print(D().f(), D.s(), issubclass(D, A))",
            "9 4 True",
            id="inheritance",
        ),
        pytest.param(
            "base = 100\ndef make(n):\n    k = n * 2\n    def inner(x):\n        nonlocal k\n        k += 1\n"
            "        return x + k + base\n    return inner\nadd = make(3)",
            "print(add(1), add(1))",
            "108 109",
            id="closure",
        ),
        pytest.param(
            "off = 5\nf = lambda x, d={'a': lambda y: y + off}: d['a'](x)\n"
            "fs = [lambda x, i=i: x * i + off for i in range(3)]",
            "print(f(1), [g(2) for g in fs])",
            "6 [5, 7, 9]",
            id="lambdas",
        ),
        pytest.param(
            "import functools, operator\nm = 3\ndef mul(a, b): return a * b * m\n"
            "p = functools.partial(mul, 2)\nq = functools.partial(operator.mul, 7)",
            "print(p(5), q(2))",
            "30 14",
            id="partials",
        ),
        pytest.param(
            "import functools\n@functools.lru_cache(maxsize=9)\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
            "other = functools.cache(fib.__wrapped__)",
            "print(fib(30), fib.cache_info().maxsize, other(10))",
            "832040 9 55",
            id="cached",
        ),
        pytest.param(
            "import functools\nregistry = {}\ndef register(name):\n    def deco(f):\n        registry[name] = f\n"
            "        @functools.wraps(f)\n        def g(*a): return ('deco', f(*a))\n        return g\n    return deco\n"
            "@register('a')\ndef fa(x): return x + 1",
            "print(fa(1), sorted(registry))",
            "('deco', 2) ['a']",
            id="decorator-with-arguments",
        ),
        pytest.param(
            "suffix = '!'\nclass M(type):\n    def __new__(m, n, b, d):\n        d['tag'] = n + suffix\n"
            "        return super().__new__(m, n, b, d)\nclass K(metaclass=M): pass",
            "print(K.tag)",
            "K!",
            id="metaclass-that-reads-a-name",
        ),
        pytest.param(
            "import numpy as np\nk = 2\nv = np.vectorize(lambda x: x * k)\nadd, reduce = np.add, np.add.reduce",
            "print(v([1, 2]).tolist(), add(1, 2), reduce([1, 2, 3]))",
            "[2, 4] 3 6",
            id="numpy-functions",
        ),
        pytest.param(
            "import math\nimport numpy as np\nk = 2\ndef f(a, b): return a * k + b\nu = np.frompyfunc(f, 2, 1)\n"
            "total = np.frompyfunc(lambda a, b: a + b, 2, 1, identity=0)\ngcd = np.frompyfunc(math.gcd, 2, 1)",
            "print(u([1, 2], 3).tolist(), total.reduce([]), total.identity, u.identity, gcd(12, 18), u.nin)",
            "[5, 7] 0 0 None 6 2",
            id="ufuncs-of-functions",
        ),
        pytest.param(
            "import functools, numbers\nunit = 'm'\nclass Own: pass\n@functools.singledispatch\n"
            "def show(x, deep=0):\n    'Shows.'\n    return 'any'\n"
            "@show.register\ndef _(x: int | float): return f'{x} {unit}'\n@show.register(list)\n"
            "def of_list(x): return [show(i) for i in x]\nshow.register(Own, lambda x: 'own')\nshow.extra = 1\n"
            "class Box:\n    @functools.singledispatchmethod\n    def put(self, x): return 'thing'\n"
            "    @put.register\n    def _(self, x: str): return 'text ' + unit",
            "print(show([1, 2.5, 'x', Own()]), show.__name__, show.__doc__, show.extra, Box().put('a'), Box().put(1),\n"
            "      show.dispatch(bool) is show.registry[int])",
            "['1 m', '2.5 m', 'any', 'own'] show Shows. 1 text m thing True",
            id="generic-functions",
        ),
        pytest.param(
            "class A:\n    n = 5\n    def go(self, k): return self.n * k\nbound = A().go",
            "print(bound(2))",
            "10",
            id="bound-method",
        ),
        pytest.param("größe = 3\ndef fläche(): return größe ** 2", "print(fläche())", "9", id="unicode"),
    ],
)
def test_it_runs_elsewhere_as_here(notebook: Notebook, define: str, cell: str, printed: str) -> None:
    notebook.run(define)
    assert notebook.elsewhere(cell) == printed


def test_estimators_of_the_notebook(notebook: Notebook) -> None:
    notebook.run(
        "from sklearn.base import BaseEstimator, TransformerMixin\nfrom sklearn.pipeline import make_pipeline\nfactor = 3\n"
        "class Times(BaseEstimator, TransformerMixin):\n    def fit(self, X, y=None): return self\n"
        "    def transform(self, X): return X * factor\npipe = make_pipeline(Times())"
    )
    assert notebook.elsewhere("print(pipe.fit_transform([[1]]))") in ("[[1, 1, 1]]", "[[1], [1], [1]]")


def test_local_packages_with_relative_and_late_imports(notebook: Notebook) -> None:
    files = {
        "pk/__init__.py": "from . import deep\n",
        "pk/deep.py": "from .sub.leaf import Y\ndef lazy():\n    import lone\n    return lone.V + Y\n",
        "pk/sub/__init__.py": "",
        "pk/sub/leaf.py": "from ..conf import Y\n",
        "pk/conf.py": "Y = 41\n",
        "lone.py": "import lonelier\nV = lonelier.W\n",
        "lonelier.py": "W = 7\n",
        "inside.py": "Z = 9\n",
        "unrelated.py": "raise SystemExit\n",
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    notebook.run("import pk\ndef go():\n    from inside import Z\n    return pk.deep.lazy() + Z")
    cell = "def late():\n    import lone\n    return lone.V\nprint(go(), late())"
    assert notebook.elsewhere(cell) == "57 7"
    cargo = notebook.capture(cell)
    assert cargo.bundle is not None and cargo.bundle.files == sorted(set(files) - {"unrelated.py"})
    cargo.close()


def test_what_cannot_travel_inside_generic_functions_and_ufuncs_is_named(notebook: Notebook) -> None:
    notebook.run(
        "import functools, threading\nimport numpy as np\ndef hold():\n    lock = threading.Lock()\n"
        "    return lambda x: lock\nu = np.frompyfunc(hold(), 1, 1)\n"
        "@functools.singledispatch\ndef show(x): pass\nshow.register(int, hold())"
    )
    for name, path in (("u", "u → its function → lock"), ("show", "show for int → lock")):
        with pytest.raises(CaptureError, match=f"`{path}`") as caught:
            notebook.capture(f"1\n{name}(1)")
        assert "line 2 of the cell" in str(caught.value) and f"--no-capture {name}" in (caught.value.remedy or "")


def test_what_is_needed_comes_first(notebook: Notebook) -> None:
    notebook.run("import math\nz = 1\ndef a(): return z + math.pi\nclass B:\n    go = a")
    cargo = notebook.capture("B().go, a")
    assert [capture.name for capture in cargo.captures] == ["math", "z", "a", "B"] or [
        capture.name for capture in cargo.captures
    ] == ["math", "z", "B", "a"]
    cargo.close()


def test_scripts_that_a_magic_runs_bring_their_modules(notebook: Notebook) -> None:
    Path("fit.py").write_text("import lone\nprint(lone.V, open('rows.txt').read())\n")
    Path("lone.py").write_text("V = 7\n")
    Path("rows.txt").write_text("rows")
    for cell in ("!python fit.py rows.txt", "%run fit.py rows.txt", "%run -i fit.py\nprint(open('rows.txt'))"):
        cargo = notebook.capture(cell)
        assert cargo.bundle is not None and cargo.bundle.files == ["fit.py", "lone.py", "rows.txt"], cell
        cargo.close()

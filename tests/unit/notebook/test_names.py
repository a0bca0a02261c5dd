"""Which names a cell reads before it has surely bound them."""

from __future__ import annotations

import builtins
import symtable

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_slml.notebook.names import Reading, read_names
from jupyter_slml.notebook.source import read_source


def read(body: str, shell: object = None, **options: object) -> Reading:
    return read_names(read_source(body, [], shell), **options)  # type: ignore[arg-type]


def needs(body: str) -> set[str]:
    """What must come from outside, builtins left out."""
    return {name for name in read(body).reads if not hasattr(builtins, name)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("x = 1\ny = x", set(), id="bound-first"),
        pytest.param("y = x\nx = 1", {"x"}, id="read-first"),
        pytest.param("x += 1", {"x"}, id="augmented"),
        pytest.param("x = 1\nx += d", {"d"}, id="augmented-bound"),
        pytest.param("d['k'] += 1\nd.a = 2", {"d"}, id="stores-into"),
        pytest.param("[i for i in rows if i > low]", {"rows", "low"}, id="comprehension"),
        pytest.param("[i for i in i]", {"i"}, id="comprehension-first-iterable-is-outside"),
        pytest.param("{a: b for a, b in pairs for c in a}", {"pairs"}, id="dict-comprehension"),
        pytest.param("[j for i in rows for j in i]\nprint(i)", {"rows", "i"}, id="comprehension-does-not-leak"),
        pytest.param("any((hit := r) for r in rows)\nprint(hit)", {"rows", "hit"}, id="walrus-in-comprehension-is-unsure"),
        pytest.param("if (n := len(a)) > 1:\n    print(n)", {"a"}, id="walrus"),
        pytest.param("class C(Base):\n    x = 1\n    y = x\n    z = w", {"Base", "w"}, id="class-body"),
        pytest.param(
            "class C:\n    x = 1\n    def m(self):\n        return x\nC().m()", {"x"}, id="method-skips-class-scope"
        ),
        pytest.param("class C:\n    y = y", {"y"}, id="class-reads-outside"),
        pytest.param("f = lambda a, b=d: a + c", {"d", "c"}, id="lambda"),
        pytest.param("def f(a, b=d):\n    e = a\n    return e + g", {"d", "g"}, id="function-default-and-global"),
        pytest.param("def f():\n    return late\nlate = 1\nf()", set(), id="function-called-after"),
        pytest.param("def f():\n    return late\nf()\nlate = 1", {"late"}, id="function-called-before"),
        pytest.param("def f():\n    return g()\ndef g():\n    return h\nf()", {"h"}, id="functions-calling-functions"),
        pytest.param("def f(n):\n    return n and f(n - 1)\nf(3)", set(), id="recursion"),
        pytest.param("def f():\n    global made\n    made = 1\nf()\nprint(made)", {"made"}, id="global-statement"),
        pytest.param("try:\n    pass\nexcept E as e:\n    print(e)", {"E"}, id="except-as"),
        pytest.param("try:\n    x = 1\nexcept E:\n    x = 2\nprint(x)", {"E"}, id="try-binds-on-both-sides"),
        pytest.param("try:\n    x = 1\nexcept E:\n    pass\nprint(x)", {"E", "x"}, id="try-binds-on-one-side"),
        pytest.param("try:\n    x = 1\nexcept E:\n    raise\nprint(x)", {"E"}, id="handler-that-raises"),
        pytest.param(
            "match p:\n    case [a, *r]:\n        print(a, r)\n    case {'k': v, **m}:\n        print(v, m)",
            {"p"},
            id="match",
        ),
        pytest.param("match p:\n    case Point(x=0) | K.v if x:\n        pass", {"p", "Point", "K", "x"}, id="match-reads"),
        pytest.param(
            "match p:\n    case 1:\n        y = 1\n    case _:\n        y = 2\nprint(y)", {"p"}, id="match-exhaustive"
        ),
        pytest.param("match p:\n    case 1:\n        y = 1\nprint(y)", {"p", "y"}, id="match-not-exhaustive"),
        pytest.param("if c:\n    x = 1\nprint(x)", {"c", "x"}, id="only-in-if"),
        pytest.param("if c:\n    x = 1\nelse:\n    x = 2\nprint(x)", {"c"}, id="in-both-branches"),
        pytest.param("for i in rows:\n    t = i\nprint(t)", {"rows", "t"}, id="loop-may-not-run"),
        pytest.param("while go():\n    x = 1\nx", {"go", "x"}, id="while"),
        pytest.param("with open(p) as f:\n    d = f.read()\nprint(d)", {"p"}, id="with"),
        pytest.param("with suppress(E):\n    d = 1\nprint(d)", {"suppress", "E", "d"}, id="with-suppress"),
        pytest.param("import a.b, c as d\nfrom e import f\na, d, f", set(), id="imports"),
        pytest.param("x = 1\ndel x\nprint(x)", {"x"}, id="deleted"),
        pytest.param("a and (b := c)\nprint(b)", {"a", "c", "b"}, id="short-circuit"),
        pytest.param("f'{v!r:>{w}}'", {"v", "w"}, id="f-string"),
        pytest.param("x: T = v", {"T", "v"}, id="annotation"),
        pytest.param("@deco\ndef f():\n    return g\ng = 1", {"deco", "g"}, id="decorator-may-call"),
        pytest.param("r = await go(x)\nasync for i in s:\n    pass", {"go", "x", "s"}, id="top-level-await"),
        pytest.param("def f():\n    def g():\n        return k\n    k = 1\n    return g", set(), id="closure"),
        pytest.param("x = x if flag else 0", {"x", "flag"}, id="rebinding-itself"),
        pytest.param("a, (b, *c) = v\nprint(a, b, c)", {"v"}, id="unpacking"),
    ],
)
def test_needs(body: str, expected: set[str]) -> None:
    assert needs(body) == expected


def test_never_less_than_symtable_sees_as_unbound() -> None:
    """What symtable knows to be read and never bound must be among the needs."""
    body = "def f(a):\n    return [b(c) for c in a if (lambda q: q + d)(c)]\nclass K(f):\n    z = e\nf(g)"
    top = symtable.symtable(body, "x", "exec")
    loose = {s.get_name() for s in top.get_symbols() if s.is_referenced() and not s.is_assigned()}
    assert loose - {"f"} <= needs(body)


def test_lines_are_those_of_the_cell(shell: InteractiveShell) -> None:
    reading = read("\n\nx = 1\ny = x + missing", shell)
    assert reading.reads["missing"] == 4


def test_undefined_names_and_their_excuses() -> None:
    assert read("print(nope)").undefined({"x"}) == {"nope": 1}
    assert read("if c:\n    late = 1\nprint(late)").undefined({"c"}) == {}
    assert read("try:\n    nope\nexcept NameError:\n    pass").undefined(()) == {}
    assert read("from numpy import *\nprint(array)").undefined(()) == {}
    assert read("globals().update(a=1)\nprint(a)").undefined(()) == {}
    assert read("try:\n    nope\nexcept NameError:\n    pass\nnope").undefined(()) == {"nope": 2}
    assert read("def f():\n    return nope\nf()").undefined(()) == {"nope": 2}


def test_shell_and_magic_lines(shell: InteractiveShell) -> None:
    reading = read("!echo {word} $other\n%time y = f(z)\nfiles = !ls\nprint(y, files, last)", shell)
    assert set(reading.reads) >= {"word", "other", "f", "z", "last"}
    assert reading.reads["last"] == 4
    assert "y" in reading.binds and "files" in reading.binds
    assert reading.undefined({"word", "other", "f", "z"}) == {"last": 4}


def test_a_magic_that_binds_names(shell: InteractiveShell) -> None:
    assert read("%run other.py\nprint(made_there)", shell).undefined(()) == {}


@pytest.mark.parametrize(
    ("body", "reads", "binds"),
    [
        ("%%time\nmodel = fit(data)\nprint(model)", {"fit", "data"}, {"model"}),
        ("%%time\n!echo {word}\ny = %time f(z)\nimport lone", {"word", "f", "z"}, {"lone"}),
        ("%%time\n%%capture out\nx = f(1)\nout", {"f"}, {"x", "out"}),
        ("%%timeit -n 3 -r1 s = start\ng(s)", {"start", "g"}, set()),
        ("%%prun -l 5\ng(h)", {"g", "h"}, set()),
        ("%%capture --no-stderr\nx = f(1)", {"f"}, {"x"}),
        ("%time x = f(a)\nprint(x)", {"f", "a"}, {"x"}),
        ("x = 1\n%timeit -n1 f(x)", {"f"}, {"x"}),
        ("%time x = x + 1", {"x"}, {"x"}),
        ("x = 1\n!echo {x}", set(), {"x"}),
        ("%time y = [g(lambda v: v + k) for v in rows]", {"g", "k", "rows"}, {"y"}),
        ("%%time\ndef f(): return k\nf()", {"k"}, {"f"}),
        ("!awk '{print $NF}' {path} > ${HOME}/x", {"path"}, set()),
        ('%%bash -s {n} "$m"\necho $1 $HOME', {"n", "m"}, set()),
        ("%env TOKEN=$token", {"token"}, set()),
    ],
)
def test_code_in_magics_is_read_where_it_stands(
    shell: InteractiveShell, body: str, reads: set[str], binds: set[str]
) -> None:
    reading = read(body, shell)
    names = {name for name in reading.reads if name not in dir(builtins) and not name.isupper()}
    assert names == reads
    assert binds <= set(reading.binds)
    assert reading.undefined(reads) == {}


def test_modules_that_a_timed_cell_imports_are_known(shell: InteractiveShell) -> None:
    reading = read("%%time\nimport lone.part\nopen('rows.csv')\nlone.part.go", shell)
    assert "lone.part" in reading.imports and "rows.csv" in reading.strings and "lone.part.go" in reading.chains["lone"]


def test_lines_of_a_timed_cell(shell: InteractiveShell) -> None:
    with pytest.raises(SyntaxError) as caught:
        read_source("%%time\nx = 1\ny = = 2\n", ["%%train"], shell, "late In[3]")
    assert caught.value.lineno == 4
    source = read_source("%%time\nx = nope\n", ["%%train"], shell)
    assert source.text.splitlines() == ["", "%%time", "x = nope"]
    assert read_names(source).reads["nope"] == 3


def test_a_timed_cell_is_read_too(shell: InteractiveShell) -> None:
    reading = read("%%time\nmodel = fit(data)\n", shell)
    assert {"fit", "data"} <= set(reading.reads)
    assert reading.reads["data"] == 2


def test_syntax_errors_are_the_users_own(shell: InteractiveShell) -> None:
    with pytest.raises(SyntaxError) as caught:
        read_source("x = 1\ny = = 2\n", ["%%train"], shell, "late In[3]")
    assert caught.value.filename == "<late In[3]>"
    assert caught.value.lineno == 3  # the magic line is line 1, as the notebook counts
    with pytest.raises(SyntaxError):
        read_source("return 1", [], None)

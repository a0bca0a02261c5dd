from __future__ import annotations

import ast
import textwrap

import pytest

from jupyter_slml.domain.prefix import default_of, prefix, reads


def count(code: str, *searched: str) -> int:
    return prefix(ast.parse(textwrap.dedent(code)), searched or ("depth",)).count


def test_loading_comes_before_the_first_statement_that_reads_a_searched_name() -> None:
    code = """
    import xgboost as xgb
    data = load()
    matrix = xgb.DMatrix(data)
    model = xgb.train({"max_depth": depth}, matrix)
    score = evaluate(model)
    """
    found = prefix(ast.parse(textwrap.dedent(code)), ("depth",))
    assert (found.count, found.last_line) == (3, 4)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # A function is defined once, though it reads a searched name when it is called; its call is not hoisted.
        ("def fit(): return depth\ndata = load()\nmodel = fit()", 2),
        ("def fit(d=depth): return d\ndata = load()\nmodel = fit()", 0),
        ("class Net:\n    size = depth\ndata = load()\nNet()", 0),
        ("class Net:\n    def run(self): return depth\ndata = load()\nNet()", 2),
        ("def inner(): return depth\ndef outer(): return inner()\ndata = load()\nouter()", 3),
        # A branch, a loop or a with that holds one is searched as a whole.
        ("data = load()\nif data:\n    x = depth\nmore = load()\nmore", 1),
        ("data = load()\nfor i in range(3):\n    fit(depth)\n1", 1),
        # `trial`, and what `slml` has of the trial.
        ("data = load()\nx = trial.suggest_int('x', 1, 2)\nx", 1),
        ("path = slml.inputs['train']\ndata = load(path)\ny = depth", 2),
        ("data = load()\nout = slml.output_dir\ny = depth", 1),
        # The cell's own default of a searched name does not count.
        ("depth = 3\ndata = load()\ny = depth", 2),
        # Code in texts.
        ("data = load()\nexec('y = depth')\ny", 1),
        ("data = load()\nget_ipython().run_line_magic('time', 'fit(depth)')\ny", 1),
        ("data = load()\nsome = data.query('a > @depth')\nlen(some)", 1),
        ("data = load()\nnames = {'depth': 3}\ny = depth", 2),
        ("data = load()\nx = globals()['depth']\nx", 1),
        # The last statement may be the objective.
        ("data = load()\nscore(data)", 1),
        # Nothing is gained.
        ("a = 1\nb = 2\ny = depth", 0),
    ],
)
def test_in_doubt_a_statement_is_searched(code: str, expected: int) -> None:
    assert count(code) == expected


def test_names_that_depend_on_a_searched_one_are_found_in_code() -> None:
    tree = ast.parse("depth = 4\nfit(depth)")
    assert reads(tree, "depth") and not reads(tree, "eta")
    assert default_of(tree, "depth") == 4 and default_of(tree, "eta") is None

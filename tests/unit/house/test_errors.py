"""One error family: a name on the wire means one class, wherever it is rebuilt."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3] / "jupyter_slml"


def test_every_code_is_defined_once() -> None:
    codes = [
        str(statement.value.value)
        for path in ROOT.rglob("*.py")
        for item in ast.walk(ast.parse(path.read_text()))
        if isinstance(item, ast.ClassDef)
        for statement in item.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == "code"
        and isinstance(statement.value, ast.Constant)
    ]
    assert len(codes) > 15
    assert sorted(codes) == sorted(set(codes))

"""`%load_ext jupyter_slml` and the client load nothing heavy, measured in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ["dask", "distributed", "fastapi", "pandas", "sklearn", "sqlalchemy", "uvicorn", "xgboost", "jupyter_server"]


@pytest.mark.parametrize("module", ["jupyter_slml", "jupyter_slml.client", "jupyter_slml.notebook.extension"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import {module}, sys; print(*(set({HEAVY!r}) & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []

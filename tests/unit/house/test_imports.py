"""The rooms of DESIGN section 3 hold, and the linter that says so would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    return subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=False)


def test_rooms_import_downwards_only() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(
        ROOT / "jupyter_slml",
        tmp_path / "jupyter_slml",
        ignore=shutil.ignore_patterns("labextension", "__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line"),
    [
        pytest.param("errors.py", "import jupyter_slml.lab.app", id="upwards"),
        pytest.param("control/jobs.py", "import jupyter_slml.compute.fork", id="sideways"),
        pytest.param("client/client.py", "import distributed", id="heavy"),
        pytest.param("control/jobs.py", "import jupyter_slml.domain.lifecycles.jobs", id="lifecycles"),
        pytest.param("compute/cell.py", "import jupyter_slml.compute.backend", id="scheduler-side"),
        pytest.param("serving/frames.py", "import jupyter_slml.storage.blobs", id="storage"),
    ],
)
def test_a_violation_is_found(copied: Path, file: str, line: str) -> None:
    with (copied / "jupyter_slml" / file).open("a") as source:
        source.write(f"\n{line}\n")
    result = lint_imports(copied)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout

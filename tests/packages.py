"""Other versions of the package, for processes that shall have one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import jupyter_slml


def environment_with(version: str, folder: Path) -> dict[str, str]:
    """An environment whose Python finds this package as of another version: a copy of it below `folder`."""
    # With the compiled files, which are good as long as the sources are not newer.
    source, copy = Path(jupyter_slml.__file__).parent, folder / version / "jupyter_slml"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("labextension"))
    head = copy / "__init__.py"
    text = head.read_text()
    changed = text.replace(f'__version__ = "{jupyter_slml.__version__}"', f'__version__ = "{version}"')
    assert changed != text
    head.write_text(changed)
    return {**os.environ, "PYTHONPATH": str(copy.parent)}

"""Where a cell stands: notebook, count, commit, user."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from jupyter_slml.domain.specs import Origin
from jupyter_slml.notebook.surroundings import Surroundings


def origin(shell: Any, surroundings: Surroundings) -> Origin:
    """The present cell's origin. Reads the checked-out commit from `.git`, without starting git."""
    return Origin(
        notebook=str(surroundings.notebook) if surroundings.notebook else None,
        cell_id=_cell_id(shell),
        execution_count=prompt_number(shell),
        git_commit=_commit(surroundings.directory),
        user=_user(),
    )


def prompt_number(shell: Any) -> int | None:
    """The `n` of the running cell's `In[n]`; None where cells are not counted."""
    # IPython counts up before the cell runs or after it, by version; the displayhook knows which.
    number = getattr(getattr(shell, "displayhook", None), "prompt_count", None)
    return number if isinstance(number, int) and number > 0 else None


def _cell_id(shell: Any) -> str | None:
    try:
        found = shell.get_parent()["metadata"].get("cellId")
    except (AttributeError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _commit(folder: Path) -> str | None:
    for place in (folder, *folder.parents):
        git = place / ".git"
        if not git.is_dir():
            continue
        try:
            head = (git / "HEAD").read_text().strip()
            if not head.startswith("ref: "):
                return head
            reference = head.removeprefix("ref: ")
            loose = git / reference
            if loose.is_file():
                return loose.read_text().strip()
            packed = (git / "packed-refs").read_text().splitlines()
            return next((line.split()[0] for line in packed if line.endswith(f" {reference}")), None)
        except OSError:
            return None
    return None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None

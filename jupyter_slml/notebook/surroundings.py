"""Where the kernel runs: JupyterLab, VS Code, Colab, a terminal, or nobody looks (papermill, nbclient, CI).

Nothing marks a headless run: papermill sets no variable, and called from a notebook it even passes on that notebook's
session name. So the process that started the kernel is looked at before the session name is believed. `SLML_HEADLESS=1` or
`0` overrides all of it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Place = Literal["lab", "vscode", "colab", "terminal", "headless"]

#: Words in the command line of whoever starts kernels for nobody to look at.
_UNATTENDED = ("papermill", "nbclient", "nbconvert", "jupyter-execute", "jupyter_execute", "ipykernel", "pytest", "nbmake")


@dataclass(frozen=True)
class Surroundings:
    """`why` says, for people, how the place was recognised."""

    place: Place
    why: str
    notebook: Path | None = None

    @property
    def headless(self) -> bool:
        return self.place == "headless"

    @property
    def directory(self) -> Path:
        """The notebook's folder; the working directory when the notebook is not known."""
        if self.notebook is not None and self.notebook.parent.is_dir():
            return self.notebook.parent
        return Path.cwd()


def look_around(shell: Any) -> Surroundings:
    """Recognise the place. Cheap: reads variables and one file of /proc."""
    names = shell.user_ns
    session = names.get("__session__") or os.environ.get("JPY_SESSION_NAME")
    code = names.get("__vsc_ipynb_file__")
    notebook = _notebook(os.environ.get("SLML_NOTEBOOK") or code or session)
    forced = os.environ.get("SLML_HEADLESS", "").strip().lower()
    if forced in ("1", "true", "yes"):
        return Surroundings("headless", "SLML_HEADLESS=1", notebook)
    place, why = _place(shell, session, code)
    if forced in ("0", "false", "no") and place == "headless":
        return Surroundings("lab", "SLML_HEADLESS=0", notebook)
    return Surroundings(place, why, notebook)


def _place(shell: Any, session: object, code: object) -> tuple[Place, str]:
    if getattr(shell, "kernel", None) is None:
        attended = sys.stdin is not None and sys.stdin.isatty()
        return ("terminal", "a terminal") if attended else ("headless", "no kernel and no terminal")
    if code:
        return "vscode", "VS Code named its notebook"
    if "google.colab" in sys.modules:
        return "colab", "google.colab is loaded"
    starter = _starter()
    unattended = next((word for word in _UNATTENDED if word in starter), None)
    if unattended:
        return "headless", f"the kernel was started by {unattended}"
    if not session:
        return "headless", "no notebook session"
    return "lab", "a Jupyter session"


def _starter() -> str:
    """Command line of the process that started the kernel; empty when it cannot be read."""
    pid = os.environ.get("JPY_PARENT_PID") or str(os.getppid())
    try:
        words = Path(f"/proc/{int(pid)}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return ""
    # Only what is run counts, neither its arguments nor its folder: an environment may be named papermill.
    said = 3 if words[1:2] == [b"-m"] else 2
    return " ".join(Path(os.fsdecode(word)).name for word in words[:said])


def _notebook(given: object) -> Path | None:
    if not isinstance(given, (str, os.PathLike)) or not str(given).endswith(".ipynb"):
        return None
    path = Path(given)
    return path if path.is_absolute() else Path.cwd() / path.name if (Path.cwd() / path.name).exists() else path

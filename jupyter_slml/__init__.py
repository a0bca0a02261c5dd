"""Serverless machine learning inside JupyterLab.

This file is what Jupyter and IPython look for and nothing else: each entry point imports its room
inside the function, so `import jupyter_slml` costs nothing in a kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-slml"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_slml.lab.app import SlmlApp

    return [{"module": "jupyter_slml", "app": SlmlApp}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext jupyter_slml`: the magics and the name `slml`."""
    from jupyter_slml.notebook.extension import load

    load(shell)

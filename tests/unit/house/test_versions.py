"""One version, in three files that cannot import each other."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jupyter_slml

ROOT = Path(__file__).parents[3]


def test_the_three_versions_are_equal() -> None:
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    node = json.loads((ROOT / "package.json").read_text())["version"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["version"]
    assert {python, node, locked} == {jupyter_slml.__version__}


def test_the_lock_names_no_host() -> None:
    """`npm ci` takes the registry of the machine it runs on."""
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_the_lock_holds_one_copy_of_what_jupyterlab_shares() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    nested = [
        path
        for path in packages
        if path.count("node_modules/") > 1 and path.rpartition("node_modules/")[2].startswith(("@jupyterlab/", "@lumino/"))
    ]
    assert nested == []

"""Which modules are the user's own, and the files that they need.

A module counts as local when its file lies below the notebook's directory (or the working directory) and belongs neither to
an installed package nor to Python itself. Workers do not have it, so it travels.
"""

from __future__ import annotations

import ast
import site
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

_IGNORED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})


class LocalModules:
    """Finds local modules below `roots`."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = [root.resolve() for root in roots]
        self._installed = _installed_places()

    def is_local(self, path: Path) -> bool:
        path = path.resolve()
        if any(part in _IGNORED for part in path.parts) or not any(path.is_relative_to(root) for root in self.roots):
            return False
        # An installed place around the root itself (a notebook below a prefix) says nothing about what lies in the root.
        return not any(
            path.is_relative_to(place) and not any(root.is_relative_to(place) for root in self.roots)
            for place in self._installed
        )

    def files(self, names: Iterable[str]) -> dict[str, Path]:
        """Everything that local ones among the modules `names` need: path in the bundle → file.

        Follows the imports that the sources state, also those inside functions.
        """
        found: dict[str, Path] = {}
        waiting = {name.partition(".")[0] for name in names}
        done: set[str] = set()
        while waiting:
            top = waiting.pop()
            if top in done:
                continue
            done.add(top)
            for arcname, path in self._own_files(top).items():
                found[arcname] = path
                if path.suffix == ".py":
                    waiting |= imported_by(path) - done
        return found

    def _own_files(self, top: str) -> dict[str, Path]:
        if top in ("__main__", "jupyter_slml") or top in sys.stdlib_module_names:
            return {}
        place = self._place(top)
        if place is None or not self.is_local(place):
            return {}
        if place.is_file():
            return {place.name: place}
        return {
            str(path.relative_to(place.parent)): path
            for path in sorted(place.rglob("*"))
            if path.is_file()
            and not any(part in _IGNORED or part.startswith(".") for part in path.relative_to(place).parts)
            and path.suffix not in (".pyc", ".ipynb")
        }

    def _place(self, top: str) -> Path | None:
        """File of a module, or folder of a package; imported or not."""
        module = sys.modules.get(top)
        if module is not None:
            file = getattr(module, "__file__", None)
            if file:
                path = Path(file)
                return path.parent if path.stem == "__init__" else path
            folders = list(getattr(module, "__path__", []))
            return Path(folders[0]) if folders else None
        for root in self.roots:
            if (root / top / "__init__.py").is_file():
                return root / top
            if (root / f"{top}.py").is_file():
                return root / f"{top}.py"
        return None


def imported_by(path: Path) -> set[str]:
    """First names of the modules that a file of Python imports, wherever it does; nothing for what does not parse."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _installed_places() -> list[Path]:
    paths = sysconfig.get_paths()
    places = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    places |= set(site.getsitepackages()) | {site.getusersitepackages()}
    return [Path(place).resolve() for place in places]

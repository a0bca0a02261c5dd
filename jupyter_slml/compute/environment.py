"""What a process has imported: Python and the versions of the packages."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

_installed: dict[str, tuple[str, str]] = {}


def read_installed() -> None:
    """In the zygote: read once what is installed, for looking through all metadata takes a third of a second."""
    versions: dict[str, str] = {}
    for module, owners in metadata.packages_distributions().items():
        for owner in owners[:1]:
            if owner not in versions:
                versions[owner] = metadata.version(owner)
            _installed[module] = (owner, versions[owner])


def environment() -> dict[str, str]:
    """Name → version, `python` first. Of a package that was installed since, the version that it says itself."""
    found = {"python": platform.python_version()}
    for name in sorted({name.partition(".")[0] for name in list(sys.modules)}):
        if name in _installed:
            owner, version = _installed[name]
            found[owner] = version
        elif not name.startswith("_") and name not in sys.stdlib_module_names:
            said = getattr(sys.modules.get(name), "__version__", None)
            if isinstance(said, str) and len(said) < 100:
                found[name] = said
    return found

"""What a wheel must hold, and what it must not: `python tests/packaging/wheel.py dist/NAME.whl`.

Run on the release artifact itself by .ci/run; building one takes longer than a unit test may.
"""

from __future__ import annotations

import re
import sys
import zipfile

REQUIRED = [
    r"\.data/data/share/jupyter/labextensions/jupyter-slml/package\.json$",
    r"\.data/data/share/jupyter/labextensions/jupyter-slml/install\.json$",
    r"\.data/data/share/jupyter/labextensions/jupyter-slml/schemas/jupyter-slml/cell\.json$",
    r"\.data/data/share/jupyter/labextensions/jupyter-slml/static/remoteEntry\.[0-9a-f]+\.js$",
    r"\.data/data/share/jupyter/labextensions/jupyter-slml/static/style\.js$",
    r"\.data/data/etc/jupyter/jupyter_server_config\.d/jupyter_slml\.json$",
    r"^jupyter_slml/__init__\.py$",
    r"^jupyter_slml/py\.typed$",
    r"\.dist-info/licenses/LICENSE$",
]
# A development build names the folders of the machine that made it.
FORBIDDEN = [
    r"\.map$",
    r"build_log\.json$",
    r"^jupyter_slml/labextension/",
    r"(^|/)node_modules/",
    r"(^|/)tests?/",
    r"__pycache__",
]


def faults(names: list[str]) -> list[str]:
    missing = [f"missing: {p}" for p in REQUIRED if not any(re.search(p, n) for n in names)]
    unwanted = [f"unwanted: {n}" for n in names if any(re.search(p, n) for p in FORBIDDEN)]
    return missing + unwanted


def main(path: str) -> int:
    found = faults(zipfile.ZipFile(path).namelist())
    print("\n".join(found) or f"{path}: complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

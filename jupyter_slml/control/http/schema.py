"""Write the OpenAPI document to standard output: `python -m jupyter_slml.control.http.schema`.

The front end's types are made from it.
"""

from __future__ import annotations

import json
import sys

from jupyter_slml.control.http.app import make_app


def main() -> None:
    json.dump(make_app().openapi(), sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

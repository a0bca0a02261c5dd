"""The zygote's process: `python -m jupyter_slml.processes.zygote SOCKET`, started by the runner.

Standard input is the lifeline (its end means that the runner is gone), standard output carries the one ready line.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from jupyter_slml.compute.zygote import load, serve

PROGRAMS = {
    "attempt": "jupyter_slml.compute.cell:run",
    "tuning": "jupyter_slml.compute.tuning.host:run",
    "batch": "jupyter_slml.compute.batch.host:run",
    "replica": "jupyter_slml.serving.replica.kernel:run",
}


def _pair(text: str) -> tuple[str, str]:
    key, _, target = text.partition("=")
    return key, target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", type=Path)
    parser.add_argument("--program", type=_pair, action="append", help="NAME=MODULE:FUNCTION, instead of the usual ones")
    arguments = parser.parse_args()
    lifeline, ready = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # What an import prints goes to the log, not into the ready line.
    os.dup2(2, 1)
    serve(arguments.socket, load(dict(arguments.program or PROGRAMS)), ready, lifeline)


if __name__ == "__main__":
    main()

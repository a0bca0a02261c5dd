"""Run by the Python of its environment: `kernel_jobs.py STAMP RUNS CELL`.

Prints, as JSON, the seconds from starting an ipykernel to the moment that the cell writes to STAMP; a fresh kernel for
each of RUNS jobs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel


def main() -> None:
    stamp, runs, cell = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    found = []
    for _ in range(runs):
        stamp.unlink(missing_ok=True)
        begun = time.time()
        manager, client = start_new_kernel(kernel_name="python3")
        try:
            answer = client.execute_interactive(cell, timeout=120)
            if answer["content"]["status"] != "ok":
                raise RuntimeError(answer["content"]["evalue"])
            found.append(float(stamp.read_text()) - begun)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

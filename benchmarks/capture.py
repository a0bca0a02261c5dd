"""A large DataFrame on its way into a job, beside writing it once to the same disk.

    python benchmarks/capture.py [--gib 1.0] [--runs 3]

Measured in a notebook shell against a fresh workspace: from the magic to the first line of the cell in the child, which has
the frame at hand by then, and once more with a frame that the store has already. Each time the frame is another one, so that
nothing is stored before. The floor is the same number of bytes written to a file below the workspace and synced. Medians
(minimum in brackets).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from measure import place, ratio, report

from jupyter_slml.client import Client
from jupyter_slml.client.blobs import Blobs

COLUMNS = 16
CELL = "import pandas\nrows, last = len(frame), float(frame.iloc[-1, -1])\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=1.0, help="Size of the frame.")
    parser.add_argument("--runs", type=int, default=3, help="Repetitions.")
    asked = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, pandas {pd.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"a frame of {asked.gib:g} GiB, {COLUMNS} columns of float64\n")
    with place() as (found, client):
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "jupyter_slml")
        shell.user_ns["slml"].config.warn_bytes = 0
        # Everything is started, and the stack imported.
        shell.push({"frame": table(2**-10)})
        train(shell, client)
        floors, firsts, seconds = [], [], []
        for number in range(asked.runs):
            frame = table(asked.gib, number)
            floors.append(written(frame, found.home / "floor"))
            shell.push({"frame": frame})
            with uploads() as sent:
                firsts.append(train(shell, client))
                assert len(sent) == 1, sent
                seconds.append(train(shell, client))
                assert len(sent) == 1, "the second submit sent something"
        report("floor: the same bytes written once and synced", floors)
        report("%%train to the first line, the frame being new", firsts)
        report("%%train to the first line, the frame being stored", seconds)
        times = statistics.median(first / floor for first, floor in zip(firsts, floors, strict=True))
        ratio("a new frame over writing once, median of the runs", times, "under 3")
        print("  second submits sent 0 blobs")


def table(gib: float, seed: int = 0) -> pd.DataFrame:
    rows = int(gib * 2**30) // (8 * COLUMNS)
    values = np.random.default_rng(seed).random((COLUMNS, rows)).T
    return pd.DataFrame(values, columns=[f"column_{number}" for number in range(COLUMNS)])


def written(frame: pd.DataFrame, path: Path) -> float:
    """Seconds to write the frame's bytes to a new file and have them on the disk."""
    data = memoryview(np.ascontiguousarray(frame.to_numpy().T)).cast("B")
    os.sync()
    begun = time.perf_counter()
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    took = time.perf_counter() - begun
    path.unlink()
    return took


def train(shell: InteractiveShell, client: Client) -> float:
    """Seconds from the magic to the cell's first line, by the host's clock."""
    os.sync()
    begun = time.time()
    job = shell.run_cell_magic("train", "--no-wait --name bench -o rows", CELL)
    done = client.jobs.wait(job.id, timeout=280)
    assert done.state == "succeeded", done.reason
    return done.outcome.first_line_at - begun


@contextmanager
def uploads() -> Iterator[list[str]]:
    """The digests that are sent to the store meanwhile."""
    sent: list[str] = []
    put = Blobs.put

    def counted(self: Blobs, digest: str, source: bytes | Path) -> None:
        sent.append(digest)
        put(self, digest, source)

    Blobs.put = counted
    try:
        yield sent
    finally:
        Blobs.put = put


if __name__ == "__main__":
    main()

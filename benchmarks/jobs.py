"""Jobs beside their peers and floors, all in one run on this machine.

    python benchmarks/jobs.py [--runs 20] [--peer-runs 5] [--peers DIR]

Medians (minimum in brackets). From the magic in a notebook shell to a time stamp that the cell writes once numpy, pandas,
scikit-learn and xgboost are imported; the same cell as a job of jupyter-scheduler and in a fresh ipykernel per job, each
from a virtual environment of its own (made in DIR and kept there, or in a temporary directory). A small xgboost job to its
result beside a bare fork of the zygote that runs the same cell. Stop to the last process gone. A child's private memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import xgboost
from IPython.core.interactiveshell import InteractiveShell
from measure import STACK, compiling, environment, folder, place, ratio, report, seconds
from zygote_floor import Floor

from jupyter_slml.client import Client
from jupyter_slml.domain.specs import JobSpec

HERE = Path(__file__).parent
LIBRARIES = ("numpy", "pandas", "scikit-learn", "xgboost")
#: Which script times a peer, and what its environment holds beside the libraries.
PEERS = {
    "jupyter-scheduler": ("scheduler_jobs.py", ("jupyter-scheduler", "ipykernel"), 40),
    "a fresh ipykernel per job": ("kernel_jobs.py", ("jupyter_client", "ipykernel"), 25),
}
#: The job of the design's measurements (reference/execution.md, section 9).
SMALL = """
from sklearn.datasets import make_classification
import xgboost
X, y = make_classification(20_000, 20, random_state=0)
model = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 6}, xgboost.DMatrix(X, y), 50)
"""
#: Ends on SIGTERM, and so does what it started.
COOPERATIVE = """
import subprocess, time
subprocess.Popen(["sleep", "1000"], start_new_session=True)
while True:
    time.sleep(1)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="Repetitions of our own measurements.")
    parser.add_argument("--peer-runs", type=int, default=5, help="Jobs of each peer.")
    parser.add_argument("--peers", metavar="DIR", help="Keep the peers' environments here.")
    asked = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, xgboost {xgboost.__version__}, {os.cpu_count()} cores, {load()}\n")
    with folder(asked.peers) as environments, place() as (_, client), tempfile.TemporaryDirectory(prefix="slml-b-") as made:
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "jupyter_slml")
        first_line(shell, client, asked.runs, asked.peer_runs, environments, Path(made) / "stamp")
        result(shell, asked.runs, Path(made))
        stop(client, asked.runs)
        memory(client, asked.runs)
    print(f"\n{load()}")


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def first_line(shell: InteractiveShell, client: Client, runs: int, peer_runs: int, environments: Path, stamp: Path) -> None:
    """Submit to the first line that uses the libraries: ours, then each peer's."""
    cell = f"{STACK}, pathlib, time\n_ = pathlib.Path({str(stamp)!r}).write_text(repr(time.time()))\n"

    def ours() -> float:
        begun = time.time()
        done = client.jobs.wait(shell.run_cell_magic("train", "--no-wait --name bench", cell).id, timeout=120)
        assert done.state == "succeeded", done.reason
        return float(stamp.read_text()) - begun

    ours()
    middle = report("%%train to the first line, libraries imported", [ours() for _ in range(runs)])
    for name, (script, packages, target) in PEERS.items():
        python = environment(environments / name.replace(" ", "-"), [*packages, *LIBRARIES])
        command = [str(python), str(HERE / "peers" / script), str(stamp), str(peer_runs), cell]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, env=compiling()
        )
        theirs = report(f"  peer: {name}", json.loads(done.stdout.splitlines()[-1]))
        ratio(f"times faster than {name}", theirs / middle, f"{target} or more")


def result(shell: InteractiveShell, runs: int, made: Path) -> None:
    """Submit to the result of a small xgboost job in the notebook, and the same cell in a bare fork, turn by turn."""
    print()
    floor = Floor(made)

    def ours() -> object:
        return shell.run_cell_magic("train", "--no-wait --name bench-small --output model", SMALL).result(timeout=120)

    def bare() -> object:
        return floor.result(SMALL, "model")

    try:
        times: dict[Callable[[], object], list[float]] = {ours: [], bare: []}
        for number in range(runs + 1):
            for work, found in times.items():
                took = seconds(work)
                if number:
                    found.append(took)
    finally:
        floor.close()
    middle = report("%%train to the result, small xgboost job (20k x 20, 50 rounds)", times[ours])
    least = report("  floor: a bare fork of the zygote, model pickled back", times[bare])
    ratio("of the floor", middle / least, "1.3 or less")


def stop(client: Client, runs: int) -> None:
    """Stop to the last process gone, for a job that ends when it is told to and has started a process in a new session."""
    print()
    found = []
    for _ in range(max(3, runs // 2)):
        job, child = running(client, COOPERATIVE)
        deadline = time.monotonic() + 30
        while not (started := child.children(recursive=True)):
            assert time.monotonic() < deadline, "the cell started nothing"
            time.sleep(0.005)
        keeper = child.parent()
        assert keeper is not None
        everything = [keeper, child, *started]
        begun = time.perf_counter()
        client.jobs.stop(job)
        while any(process.is_running() for process in everything):
            assert time.perf_counter() - begun < 30, "something goes on"
            time.sleep(0.001)
        found.append(time.perf_counter() - begun)
        client.jobs.wait(job, timeout=30)
    report("stop to the last process gone, cooperative job (target 500)", found)


def memory(client: Client, runs: int) -> None:
    """What a child holds that it does not share with the zygote."""
    print()
    found = []
    for _ in range(max(3, runs // 4)):
        job, child = running(client, f"{STACK}, time\nprint('here', flush=True)\nwhile True: time.sleep(1)")
        deadline = time.monotonic() + 30
        while not client.jobs.logs(job).entries:
            assert time.monotonic() < deadline, "the cell printed nothing"
            time.sleep(0.01)
        found.append(private(child.pid))
        keeper = child.parent()
        held = 0 if keeper is None else private(keeper.pid)
        everything = child.memory_info().rss
        client.jobs.stop(job)
        client.jobs.wait(job, timeout=30)
    print(
        f"a child's private memory over the zygote's: {sorted(found)[len(found) // 2] / 2**20:.1f} MiB of "
        f"{everything / 2**20:.0f} MiB resident, its keeper's {held / 2**20:.1f} MiB  n={len(found)}"
    )


def private(pid: int) -> int:
    """Bytes that only this process has (its unique set size)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))) * 1024


def running(client: Client, cell: str) -> tuple[str, psutil.Process]:
    """Submit a cell; returns its job and its process as soon as that runs."""
    job = client.jobs.submit(JobSpec(source=cell, name="bench-running")).id
    deadline = time.monotonic() + 60
    while True:
        attempts = client.jobs.attempts(job).attempts
        if attempts and attempts[-1].pid:
            return job, psutil.Process(attempts[-1].pid)
        assert time.monotonic() < deadline, "the job does not start"
        time.sleep(0.005)


if __name__ == "__main__":
    main()

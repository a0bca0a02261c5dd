"""Batch prediction beside the loops that people write by hand, all in one run on this machine.

    python benchmarks/batch.py [--rows 10000000] [--runs 3] [--data DIR]

An xgboost model (100 trees, depth 6) over rows of 30 float32 columns in Parquet, ten files with four row groups each.
Rates are medians (best in brackets) over alternating runs: ours from the magic to the job's end, each loop from its first
read to its last write. Memory of a slot is its share of all pages (PSS), at most, with one of the files and with all of
them. A job whose host is killed at half is resumed: the share of the rows that were predicted again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost
from IPython.core.interactiveshell import InteractiveShell
from measure import place, ratio

from jupyter_slml.compute import procfs

HERE = Path(__file__).parent
COLUMNS = [f"x{place:02d}" for place in range(30)]
FILES, GROUPS = 10, 4
TRAINING = """
import numpy, pandas, xgboost
rng = numpy.random.default_rng(0)
X = pandas.DataFrame(rng.normal(size=(24_000, 30)).astype("float32"), columns=columns)
y = (X.iloc[:, :10].sum(axis=1) + rng.normal(size=len(X)) > 0).astype(int)
model = xgboost.XGBClassifier(n_estimators=100, max_depth=6).fit(X, y)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3, help="Repetitions of each.")
    parser.add_argument("--data", metavar="DIR", help="Keep the input here.")
    parser.add_argument("--without", default="", help="Peers to leave out, separated by commas: loop, rows, dask.")
    asked = parser.parse_args()
    cores = min(2, os.cpu_count() or 1)
    print(f"xgboost {xgboost.__version__}, pyarrow {pa.__version__}, {cores} cores, load {os.getloadavg()[0]:.1f}")
    with data(asked.data) as folder, place() as (_, client), tempfile.TemporaryDirectory(prefix="slml-batch-") as made:
        source = written(folder / f"rows-{asked.rows}", asked.rows)
        out = Path(made)
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "jupyter_slml")
        shell.push({"columns": COLUMNS})
        job = shell.run_cell_magic("train", "--name bench --output model --register bench --wait", TRAINING)
        model = out / "model.ubj"
        job.outputs["model"].load().get_booster().save_model(model)
        ours = Ours(shell, client, out)
        kinds = [kind for kind in ("loop", "rows", "dask") if kind not in asked.without.split(",")]
        found: dict[str, list[tuple[float, float, float]]] = {"ours": [], **{kind: [] for kind in kinds}}
        for _ in range(asked.runs):
            found["ours"].append(ours.run(source))
            for kind in kinds:
                found[kind].append(peer(kind, model, source, out / kind, cores))
        for kind, runs in found.items():
            report(kind, asked.rows, runs)
        loops = [kind for kind in kinds if kind != "dask"]
        middle = {kind: statistics.median(run[0] for run in runs) for kind, runs in found.items()}
        if loops:
            ratio("rate over the best loop", min(middle[kind] for kind in loops) / middle["ours"], "1.0")
        if "dask" in kinds:
            ratio("rate over dask.dataframe", middle["dask"] / middle["ours"], "1.4")
        few, many = ours.run(source / "00.parquet")[2], max(run[2] for run in found["ours"])
        print(f"memory of a slot: {few:.0f} MB with one file, {many:.0f} MB at all {asked.rows:,} (target under 400)")
        print(f"resumed after a kill at half: {ours.resumed(source, asked.rows) * 100:.0f} % of the rows again (target 55)")
    print(f"load {os.getloadavg()[0]:.1f}")


class Ours:
    """`%batch` on a type with two cores."""

    def __init__(self, shell: InteractiveShell, client: Any, out: Path) -> None:
        self._shell, self._client, self._out = shell, client, out / "ours"

    def _submit(self, source: Path, *options: str) -> Any:
        line = f"bench --input {source} --output {self._out} --keep none --instance cpu.medium --no-wait {' '.join(options)}"
        return self._shell.run_line_magic("batch", line)

    def run(self, source: Path) -> tuple[float, float, float]:
        """Seconds, CPU seconds, MB of a slot."""
        shutil.rmtree(self._out, ignore_errors=True)
        begun = time.perf_counter()
        job = self._submit(source)
        with Memory(self._client, job.id) as memory:
            job.wait(600)
            took = time.perf_counter() - begun
        return took, job.record.outcome.cpu_seconds, memory.peak / 1e6

    def resumed(self, source: Path, rows: int) -> float:
        """Kill the host when half of the rows are done, resume; the share that the second job predicted."""
        shutil.rmtree(self._out, ignore_errors=True)
        job = self._submit(source)
        while job.metrics.get("rows", 0) < rows / 2:
            time.sleep(0.02)
        os.kill(self._client.jobs.attempts(job.id).attempts[-1].pid, signal.SIGKILL)
        while not job.record.state.is_final:
            time.sleep(0.05)
        again = self._submit(source, "--resume")
        again.wait(600)
        attempt = self._client.jobs.attempts(again.id).attempts[-1].id
        lines = [json.loads(path.read_text()) for path in (self._out / "_manifest").glob("part-*.json")]
        assert sum(line["rows"] for line in lines) == rows
        return sum(line["rows"] for line in lines if line["attempt"] == attempt) / rows


class Memory:
    """The largest share of all pages that any slot of a job has had."""

    def __init__(self, client: Any, job: str) -> None:
        self._client, self._job = client, job
        self.peak = 0.0
        self._over = threading.Event()

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        host = None
        while not self._over.wait(0.25):
            if host is None:
                attempts = self._client.jobs.attempts(self._job).attempts
                host = attempts[-1].pid if attempts else None
                continue
            for pid in procfs.children(host):
                self.peak = max(self.peak, _pss(pid))


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("Pss:")), 0.0)


def peer(kind: str, model: Path, source: Path, output: Path, cores: int) -> tuple[float, float, float]:
    shutil.rmtree(output, ignore_errors=True)
    command = [
        sys.executable,
        str(HERE / "peers" / "batch_loops.py"),
        kind,
        str(model),
        str(source),
        str(output),
        str(cores),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took, spent, peak = map(float, done.stdout.split()[-3:])
    return took, spent, peak


def report(what: str, rows: int, runs: list[tuple[float, float, float]]) -> None:
    times = [run[0] for run in runs]
    print(
        f"{what:<8} {rows / statistics.median(times) / 1e6:6.2f} M rows/s ({rows / min(times) / 1e6:.2f})   "
        f"{statistics.median(times):6.2f} s   {statistics.median(run[1] for run in runs):6.2f} s CPU   "
        f"{max(run[2] for run in runs):5.0f} MB",
        flush=True,
    )


@contextmanager
def data(kept: str | None) -> Iterator[Path]:
    if kept is not None:
        yield Path(kept).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="slml-batch-data-") as made:
        yield Path(made)


def written(folder: Path, rows: int) -> Path:
    """The input, unless it is there."""
    if (folder / "_ready").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    each = rows // FILES
    for number in range(FILES):
        table = pa.table({name: rng.standard_normal(each, dtype=np.float32) for name in COLUMNS})
        pq.write_table(table, folder / f"{number:02d}.parquet", row_group_size=each // GROUPS, compression="none")
    (folder / "_ready").touch()
    return folder


if __name__ == "__main__":
    main()

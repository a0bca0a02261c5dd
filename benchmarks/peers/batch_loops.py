"""Batch prediction by hand: read Parquet, predict with xgboost, write Parquet. Prints seconds of wall and of CPU.

    python batch_loops.py loop|rows|dask MODEL INPUT OUTPUT CORES

`loop`: one process that predicts with all cores, batches of 100,000 rows, one matrix that is used again. `rows`: the same
with a new matrix per batch, as Arrow gives it. `dask`: dask.dataframe, a worker per core, map_partitions and to_parquet.
The clock starts when everything is imported, the model loaded and the cluster up.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost

BATCH = 100_000


def loop(booster: Any, files: list[Path], output: Path, cores: int, *, reuse: bool) -> None:
    booster.set_param({"nthread": cores})
    pa.set_cpu_count(cores)
    names = booster.feature_names
    schema = pa.schema([("prediction", pa.float32())])
    matrix = np.empty((BATCH, len(names)), np.float32)
    for file in files:
        with (
            pq.ParquetFile(file, memory_map=True, pre_buffer=False) as source,
            pq.ParquetWriter(output / file.name, schema) as sink,
        ):
            for batch in source.iter_batches(BATCH, columns=names, use_threads=cores > 1):
                if reuse:
                    rows = matrix[: batch.num_rows]
                    for place in range(len(names)):
                        rows[:, place] = batch.column(place).to_numpy(zero_copy_only=False)
                else:
                    rows = batch.to_tensor(row_major=True).to_numpy()
                found = booster.inplace_predict(rows, validate_features=False)
                sink.write_batch(pa.RecordBatch.from_arrays([pa.array(found)], schema=schema))


def on_dask(model: Path, source: Path, output: Path, cores: int) -> None:
    import dask.dataframe as dd
    from distributed import Client, LocalCluster, get_worker

    def predict(frame: Any, path: str) -> Any:
        import pandas

        worker = get_worker()
        booster = getattr(worker, "booster", None)
        if booster is None:
            booster = worker.booster = xgboost.Booster(model_file=path)
            booster.set_param({"nthread": 1})
        found = booster.inplace_predict(frame[booster.feature_names].to_numpy(), validate_features=False)
        return pandas.DataFrame({"prediction": found}, index=frame.index)

    with LocalCluster(n_workers=cores, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        begun, spent = time.perf_counter(), cpu()
        frame = dd.read_parquet(str(source))
        frame.map_partitions(predict, str(model), meta={"prediction": "f4"}).to_parquet(str(output))
        print(time.perf_counter() - begun, cpu() - spent, memory())


def cpu() -> float:
    """Seconds of this process and its children."""
    here = psutil.Process()
    return sum(sum(item.cpu_times()[:2]) for item in (here, *here.children(recursive=True)))


def memory() -> float:
    """Peak resident MB of this process, or of the largest child."""

    def peak(pid: int) -> float:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

    children = psutil.Process().children(recursive=True)
    return max(map(peak, [item.pid for item in children] or [os.getpid()]))


def main() -> None:
    kind, model, source, output, cores = sys.argv[1], *map(Path, sys.argv[2:5]), int(sys.argv[5])
    output.mkdir(parents=True, exist_ok=True)
    if kind == "dask":
        on_dask(model, source, output, cores)
        return
    booster = xgboost.Booster(model_file=model)
    begun, spent = time.perf_counter(), cpu()
    loop(booster, sorted(source.glob("*.parquet")), output, cores, reuse=kind == "loop")
    print(time.perf_counter() - begun, cpu() - spent, memory())


if __name__ == "__main__":
    main()

"""The control plane under many jobs: durable submits per second, pages of long lists, memory.

    python benchmarks/control_plane.py [--jobs 10000] [--clients 8]

The daemon is the real one; its cluster has one slot, so that nearly all jobs stay queued and only the control plane works.
Beside it the floor in the same run: fsynced appends to a file on the same disk, which is what one durable commit costs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import leave
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.settings import Settings, workspace

#: Lists are asked so often for their median.
ASKED = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="How many jobs are stored in the end.")
    parser.add_argument("--clients", type=int, default=8, help="Submitting threads, each with its own connection.")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="slml-bench-"))
    place = workspace(home)
    place.save_settings(Settings())
    client = connect(home)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    floor(home)
    try:
        # One job holds the machine's memory, so that no other starts.
        hold(client)
        daemon = psutil.Process(client.status().pid)
        before = daemon.memory_info().rss
        stored = 1
        for target in (10, 100, 1000, arguments.jobs):
            rate = submit(home, target - stored, arguments.clients)
            stored = target
            first, deep = pages(client)
            print(
                f"{stored:>6} jobs stored: {rate:7.0f} submits/s ({arguments.clients} clients), first page of 50 "
                f"{first:6.2f} ms, page 10 {deep:6.2f} ms, one job {one(client):5.2f} ms"
            )
        grown = daemon.memory_info().rss - before
        print(f"\ndaemon: {before / 2**20:.0f} MiB, {grown / 2**20:+.0f} MiB after {stored} jobs", end="")
        print(f" ({grown / stored / 1024:.1f} KiB a job); database {place.database.stat().st_size / 2**20:.1f} MiB")
    finally:
        client.jobs.stop_all()
        leave(place, drain=False)
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(place.run, ignore_errors=True)


def floor(home: Path) -> None:
    """Fsynced appends per second."""
    with (home / "floor").open("ab") as file:
        begun = time.perf_counter()
        for _ in range(500):
            file.write(b"x" * 1000)
            file.flush()
            os.fsync(file.fileno())
        print(f"floor: {500 / (time.perf_counter() - begun):.0f} fsynced appends/s on this disk\n")


def hold(client: Client) -> None:
    """Fill the cluster."""
    sleeping = "import time\nwhile True: time.sleep(3600)"
    client.jobs.wait(client.jobs.submit(JobSpec(source="1")).id, timeout=120)
    (host,) = client.status().cluster.hosts
    for _ in range(int(host.cpus)):
        job = client.jobs.submit(JobSpec(source=sleeping, instance="cpu.small", name="hold"))
        while client.jobs.get(job.id).state != "running":
            time.sleep(0.05)


def submit(home: Path, number: int, clients: int) -> float:
    """Submits per second of several clients together."""
    share = [number // clients + (index < number % clients) for index in range(clients)]
    specs = JobSpec(source="x = 1", name="bench", parameters={"depth": 3})

    def work(count: int, gate: threading.Barrier) -> None:
        mine = connect(home)
        mine.status()
        gate.wait()
        for _ in range(count):
            mine.jobs.submit(specs)

    gate = threading.Barrier(clients + 1)
    threads = [threading.Thread(target=work, args=(count, gate)) for count in share]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return number / (time.perf_counter() - begun)


def pages(client: Client) -> tuple[float, float]:
    """Median milliseconds of the first and of the tenth page of a list."""
    first, cursor = [], None
    for _ in range(ASKED):
        begun = time.perf_counter()
        cursor = client.jobs.list(limit=50).next
        first.append(time.perf_counter() - begun)
    for _ in range(8):
        if cursor is None:
            break
        cursor = client.jobs.list(limit=50, before=cursor).next
    begun = time.perf_counter()
    client.jobs.list(limit=50, before=cursor)
    return statistics.median(first) * 1000, (time.perf_counter() - begun) * 1000


def one(client: Client) -> float:
    """Median milliseconds of reading one job."""
    job = client.jobs.list(limit=1).jobs[0].id
    times = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        client.jobs.get(job)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()

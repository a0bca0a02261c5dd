"""The control plane under many jobs: durable submits per second, pages of long lists, memory.

    python benchmarks/control_plane.py [--jobs 10000] [--connections 8]

The daemon is the real one; jobs that sleep hold its cluster, so that nearly all jobs stay queued and only the control
plane works. Submits come over raw connections to its socket, so that the client is not the limit. Beside them the floors
of the same run: fsynced appends to a file, and SQLite commits of one row of that size, each fsynced, on the same disk.
"""

from __future__ import annotations

import argparse
import os
import selectors
import shutil
import socket
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import leave
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.settings import Settings, workspace

#: Lists are asked so often for their median.
ASKED = 50
#: What is submitted.
BODY = JobSpec(source="x = 1", name="bench", parameters={"depth": 3}).model_dump_json().encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="How many jobs are stored in the end.")
    parser.add_argument("--connections", type=int, default=8, help="Connections that submit, each one job at a time.")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="slml-bench-"))
    place = workspace(home)
    place.save_settings(Settings())
    client = connect(home)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    floors(home)
    try:
        hold(client)
        daemon = psutil.Process(client.status().pid)
        before = daemon.memory_info().rss
        stored = client.jobs.list(limit=1).total
        load = Load(place.daemon_socket, arguments.connections)
        for target in (100, 1000, arguments.jobs):
            rate, middle = load.submit(target - stored)
            stored = target
            print(
                f"{stored:>6} jobs stored: {rate:5.0f} durable submits/s ({arguments.connections} connections, "
                f"median answer {middle:.1f} ms), load {os.getloadavg()[0]:.1f}"
            )
            pages(client, "queued")
        grown = daemon.memory_info().rss - before
        print(f"daemon: {before / 2**20:.0f} MiB, {grown / 2**20:+.0f} MiB after {stored} jobs", end="")
        print(f" ({grown / stored / 1024:.1f} KiB a job); database {place.database.stat().st_size / 2**20:.1f} MiB\n")
        begun = time.perf_counter()
        client.jobs.stop_all(states=["queued"])
        while client.jobs.list(states=["queued"], limit=1).total:
            time.sleep(0.2)
        print(f"all of them stopped in {time.perf_counter() - begun:.1f} s")
        pages(client, "ended")
    finally:
        client.jobs.stop_all()
        leave(place, drain=False)
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(place.run, ignore_errors=True)


def floors(home: Path) -> None:
    """What this disk does: fsynced appends, and SQLite commits, per second."""
    body, number = "x" * 1500, 500
    with (home / "floor").open("ab") as file:
        begun = time.perf_counter()
        for _ in range(number):
            file.write(body.encode())
            file.flush()
            os.fsync(file.fileno())
        print(f"floor: {number / (time.perf_counter() - begun):.0f} fsynced appends/s on this disk")
    database = sqlite3.connect(home / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, body TEXT)")
    begun = time.perf_counter()
    for _ in range(number):
        database.execute("INSERT INTO floor (body) VALUES (?)", (body,))
    print(f"floor: {number / (time.perf_counter() - begun):.0f} fsynced SQLite commits/s, one writer, one row each\n")
    database.close()


def hold(client: Client) -> None:
    """Fill the cluster."""
    sleeping = "import time\nwhile True: time.sleep(3600)"
    client.jobs.wait(client.jobs.submit(JobSpec(source="1")).id, timeout=120)
    (host,) = client.status().cluster.hosts
    for _ in range(int(host.cpus)):
        job = client.jobs.submit(JobSpec(source=sleeping, instance="cpu.small", name="hold"))
        while client.jobs.get(job.id).state != "running":
            time.sleep(0.05)


class Load:
    """Connections to the daemon that submit as fast as it answers, each with one request under way."""

    def __init__(self, path: Path, connections: int) -> None:
        self._path, self._connections, self._sent = path, connections, 0

    def submit(self, number: int) -> tuple[float, float]:
        """Submit so many jobs; returns submits per second and the median milliseconds of an answer."""
        waiting = selectors.DefaultSelector()
        opened = []
        for _ in range(min(self._connections, number)):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(self._path))
            waiting.register(connection, selectors.EVENT_READ)
            opened.append(connection)
        begun, took, sent = time.perf_counter(), [], {}
        left = number
        for connection in opened:
            left -= 1
            sent[connection] = self._send(connection)
        while len(took) < number:
            for key, _ in waiting.select():
                connection = key.fileobj
                self._receive(connection)
                now = time.perf_counter()
                took.append(now - sent[connection])
                if left:
                    left -= 1
                    sent[connection] = self._send(connection)
        rate = number / (time.perf_counter() - begun)
        for connection in opened:
            connection.close()
        waiting.close()
        return rate, statistics.median(took) * 1000

    def _send(self, connection: socket.socket) -> float:
        self._sent += 1
        head = (
            f"POST /jobs HTTP/1.1\r\nHost: slml\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
            f"Idempotency-Key: bench-{id(self)}-{self._sent}\r\n\r\n"
        )
        connection.sendall(head.encode() + BODY)
        return time.perf_counter()

    def _receive(self, connection: socket.socket) -> None:
        """Read one whole answer; raises RuntimeError when it is not that of a new job."""
        found = b""
        while b"\r\n\r\n" not in found:
            found += connection.recv(65536)
        head, _, body = found.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"The daemon refused a job: {found[:300]!r}")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(body) < length:
            body += connection.recv(65536)


def pages(client: Client, what: str) -> None:
    """Print the median milliseconds of the first page, a deep one and one job."""
    total, first, cursor = client.jobs.list(limit=1).total, [], None
    for _ in range(ASKED):
        begun = time.perf_counter()
        cursor = client.jobs.list(limit=50).next
        first.append(time.perf_counter() - begun)
    for _ in range(8):
        if cursor is None:
            break
        cursor = client.jobs.list(limit=50, before=cursor).next
    deep = [_seconds(lambda: client.jobs.list(limit=50, before=cursor)) for _ in range(ASKED)]
    job = client.jobs.list(limit=1).jobs[0].id
    one = [_seconds(lambda: client.jobs.get(job)) for _ in range(ASKED)]
    print(
        f"{total:>6} jobs stored, {what}: first page of 50 {_middle(first)}, page 10 {_middle(deep)}, "
        f"one job {_middle(one)} (n={ASKED})"
    )


def _seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _middle(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.2f} ms"


if __name__ == "__main__":
    main()

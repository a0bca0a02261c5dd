"""Predictions while a console on the same replica is busy.

    python benchmarks/consoles.py [--seconds 3]

One replica (xgboost, 100 trees x 30 features), one-row requests over raw sockets from 1 and from 16 connections, while its
console runs different things: nothing (the floor of the same run), pure Python, numpy that gives the interpreter lock away,
numpy that is long inside one call, and C code that keeps the lock. Prints requests per second, p50, p99 and the slowest.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import threading
import time

from jupyter_slml.client import Client, connect
from jupyter_slml.client.start import leave
from jupyter_slml.domain.specs import DeploySpec, JobSpec
from jupyter_slml.settings import read_json

TRAINS = """
import numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(2000, 30)).astype("float32")
model = xgboost.XGBClassifier(n_estimators=100, max_depth=6, n_jobs=1).fit(rows, rows[:, 0] > 0)
"""

#: What the console runs, for ever.
BUSY = {
    "nothing": "",
    "while True: pass": "while True: pass",
    "objects and text": "while True: ' '.join(str(number) for number in range(100_000))",
    "numpy matmul 1000": "import numpy as np; a = np.random.rand(1000, 1000)\nwhile True: a @ a",
    "numpy sort 5M": "import numpy as np; a = np.random.rand(5_000_000)\nwhile True: np.sort(a)",
    "predict 2,000 rows": "import numpy as np; a = np.random.rand(2000, 30)\nwhile True: predict(a)",
    "C that keeps the lock, 50 ms": "a = list(range(3_000_000))\nwhile True: sum(a)",
}


def measure(client: Client, connections: int, seconds: float) -> tuple[float, list[float]]:
    """Requests per second, and their times in milliseconds, sorted."""
    port = int(str((read_json(client.workspace.gateway_file()) or {})["port"]))
    token = client.workspace.token_file.read_text().strip()
    body = json.dumps([[0.1] * 30]).encode()
    head = f"POST /endpoints/churn/invocations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    times: list[list[float]] = [[] for _ in range(connections)]
    end = time.perf_counter() + seconds

    def ask(mine: list[float]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            while (begun := time.perf_counter()) < end:
                line.sendall(request)
                answer = line.recv(65536)
                assert answer.startswith(b"HTTP/1.1 200"), answer
                mine.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in times]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = sorted(took for mine in times for took in mine)
    return len(found) / seconds, found


def show(what: str, found: tuple[float, list[float]], connections: int) -> None:
    rate, times = found
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    print(f"{what:32} {connections:3} {rate:9.0f}/s {p50:9.2f} {p99:9.2f} {times[-1]:9.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as home:
        client = connect(home)
        try:
            job = client.jobs.submit(JobSpec(source=TRAINS, name="fit", outputs=["model"], register_as="churn"))
            while not job.state.is_final:
                job = client.jobs.wait(job.id, timeout=20)
            client.endpoints.deploy(DeploySpec(model="churn", min_replicas=1, max_replicas=1), wait=60)
            measure(client, 1, 1.0)
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
            print(f"{'the console runs':32} {'':3} {'':11} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")
            for what, code in BUSY.items():
                console = client.consoles.open("churn")
                if code:
                    console.client().execute(code)
                    time.sleep(0.5)
                for connections in (1, 16):
                    show(what, measure(client, connections, seconds), connections)
                if code:
                    console.interrupt()
                console.close()
        finally:
            client.close()
            leave(client.workspace, drain=False)


if __name__ == "__main__":
    main()

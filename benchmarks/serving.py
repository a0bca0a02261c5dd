"""Predictions on this machine beside other systems, all measured in the same run.

    python benchmarks/serving.py [--seconds 3] [--repeats 3] [--peers DIR] [--more mlflow,bentoml,litserve,ray]

The model: xgboost, 100 trees of depth 6 on 30 columns. The load comes from `wrk` (apt-get install wrk), one thread, one
request in flight per connection, 64 different bodies in rotation. MLServer (with and without its batching) and a tuned
FastAPI app always run, in environments of their own that are made in DIR on first use; so does `in-process`, the gateway's
HTTP loop with the model in it, the limit of our design. The systems are measured in turns; each figure is the median
of its turns.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import xgboost
from IPython.core.interactiveshell import InteractiveShell
from measure import folder, place, ratio, report
from peers.servers import IN_PROCESS, Server, rows_body, serve

from jupyter_slml.client import Client
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.settings import Workspace

HERE = Path(__file__).parent
FEATURES, TREES, BODIES, MANY = 30, 100, 64, 256
ALWAYS = (IN_PROCESS, "fastapi", "mlserver", "mlserver-batch")
#: Whom we are not compared with as with a peer.
OWN = ("ours", IN_PROCESS)
#: An instance type of which a small machine has room for hundreds.
NANO = "cpu.nano"
JSON, NPY = "application/json", "application/x-npy"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="Length of one turn.")
    parser.add_argument("--repeats", type=int, default=3, help="Turns of each system and load.")
    parser.add_argument("--peers", help="Where the peers' environments are kept (default: made anew).")
    parser.add_argument("--more", default="", help="Further peers: mlflow, bentoml, litserve, ray.")
    parser.add_argument("--cold", type=int, default=12, help="Cold starts from zero.")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    load = os.getloadavg()[0]
    print(f"Python {sys.version.split()[0]}, xgboost {xgboost.__version__}, {os.cpu_count()} cores, load {load:.1f}\n")
    rows, model = train()
    names = [*ALWAYS, *filter(None, options.more.split(","))]
    with (
        tempfile.TemporaryDirectory(prefix="slml-bench-") as scratch,
        folder(options.peers) as kept,
        place(instances={NANO: {"cpus": 0.01, "memory_gib": 0.05}}) as (found, client),
    ):
        bench = Bench(Path(scratch), found, client, rows, options.seconds, options.repeats)
        model.save_model(bench.scratch / "model.json")
        register(model)
        bench.throughput(names, kept)
        bench.cold_starts(options.cold)
        bench.memory()
        bench.step_of_load()
        bench.many_endpoints()


def train() -> tuple[np.ndarray, xgboost.XGBClassifier]:
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(20_000, FEATURES)).astype(np.float32)
    labels = (rows[:, :5].sum(axis=1) + rng.normal(size=len(rows)) > 0).astype(int)
    model = xgboost.XGBClassifier(n_estimators=TREES, max_depth=6, nthread=os.cpu_count())
    model.fit(rows, labels)
    return rows, model


def register(model: xgboost.XGBClassifier) -> None:
    """As a user has it: the model is an output of a job."""
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "jupyter_slml")
    shell.push({"fitted": model})
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell_magic("train", "--name bench --output model --register bench", "model = fitted")


class Bench:
    """One workspace, the model's rows, and the figures taken so far."""

    def __init__(
        self, scratch: Path, found: Workspace, client: Client, rows: np.ndarray, seconds: float, repeats: int
    ) -> None:
        self.scratch, self.client, self.rows = scratch, client, rows
        self.seconds, self.repeats = seconds, repeats
        self.authorization = ""
        self.token_file = found.token_file
        self.started: dict[str, float] = {}

    # throughput and latency

    def throughput(self, names: list[str], kept: Path) -> None:
        """Every system under every load, in turns."""
        self.client.endpoints.deploy(DeploySpec(model="bench", min_replicas=1, max_replicas=1), wait=60)
        url = self.client.endpoints.get("bench").url
        self.authorization = f"Bearer {self.token_file.read_text().strip()}"
        with contextlib.ExitStack() as stack:
            servers = {
                name: stack.enter_context(serve(name, self.scratch / "model.json", kept, self.row(0))) for name in names
            }
            self.started = {name: server.started for name, server in servers.items()}
            servers = {"ours": Server("ours", url, rows_body, 0.0), **servers}
            for what, connections, many in (
                ("one row, 1 connection", 1, 1),
                ("one row, 64 connections", 64, 1),
                (f"{MANY} rows in JSON, 4 connections", 4, MANY),
            ):
                found = self._turns(servers, connections, many)
                self._print(what, found)
                self._compare(found, connections, many)
                if many == MANY:
                    self._binary(url, found)

    def _turns(self, servers: dict[str, Server], connections: int, many: int) -> dict[str, dict[str, float]]:
        files = {name: self._files(name, server, many) for name, server in servers.items()}
        turns: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
        for _ in range(self.repeats):
            for name, server in servers.items():
                token = self.authorization if name == "ours" else "-"
                turns[name].append(wrk(server.url, connections, self.seconds, JSON, token, files[name]))
        return {name: _median(found) for name, found in turns.items()}

    def _files(self, name: str, server: Server, many: int) -> list[Path]:
        files = []
        for number in range(BODIES if many == 1 else 4):
            path = self.scratch / f"{name}-{many}-{number}"
            block = self.rows[number * many : (number + 1) * many]
            path.write_bytes(server.body(block.astype(float).round(6).tolist()))
            files.append(path)
        return files

    def _print(self, what: str, found: dict[str, dict[str, float]]) -> None:
        print(f"\n{what:<40} {'requests/s':>12} {'p50 ms':>9} {'p99 ms':>9} {'errors':>7}")
        for name, item in found.items():
            print(f"  {name:<38} {item['rate']:12,.0f} {item['p50']:9.2f} {item['p99']:9.2f} {item['errors']:7.0f}")

    def _compare(self, found: dict[str, dict[str, float]], connections: int, many: int) -> None:
        ours, fastapi = found["ours"], found["fastapi"]
        best = _best(found)
        if connections == 1:
            ratio("p50 over the tuned FastAPI app's", ours["p50"] / fastapi["p50"], "<= 0.6")
        elif many == 1:
            ratio("MLServer with batching", ours["rate"] / found["mlserver-batch"]["rate"], ">= 15")
            ratio("the tuned FastAPI app", ours["rate"] / fastapi["rate"], ">= 10")
            ratio("the same HTTP loop with the model in it", ours["rate"] / found[IN_PROCESS]["rate"], ">= 0.7")
        else:
            ratio("the best of them, in JSON", ours["rate"] / best, ">= 1.15")

    def _binary(self, url: str, found: dict[str, dict[str, float]]) -> None:
        path = self.scratch / "rows.npy"
        np.save(path, self.rows[:MANY])
        turns = [wrk(url, 4, self.seconds, NPY, self.authorization, [path]) for _ in range(self.repeats)]
        item = _median(turns)
        self._print(f"{MANY} rows as npy, 4 connections", {"ours": item})
        ratio("the best of them, binary body", item["rate"] / _best(found), ">= 3")

    # from zero, memory, scale

    def cold_starts(self, times: int) -> None:
        """From a request to an endpoint without a replica to its answer, through the gateway."""
        print()
        self.client.endpoints.deploy(
            DeploySpec(model="bench", name="cold", min_replicas=0, max_replicas=1, idle=1.0), wait=60
        )
        url, body = self.client.endpoints.get("cold").url, rows_body([self.row(0)])
        found, phases = [], []
        for _ in range(times):
            self._sleeping("cold")
            begun = time.perf_counter()
            self._post(url, body)
            found.append(time.perf_counter() - begun)
            phases.append(self._phases("cold"))
        middle = report("cold start from zero: request in to answer out", found)
        for name in phases[0]:
            print(f"    {name:<62} {statistics.median(item.get(name, 0.0) for item in phases):8.2f} ms")
        for name, started in self.started.items():
            if name in OWN:
                continue
            ratio(f"{name}: process start to first answer {started:.2f} s", started / middle, ">= 20")

    def _sleeping(self, name: str, patience: float = 300.0) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.client.endpoints.get(name).state == "sleeping" and not self._pids(name):
                return
            time.sleep(0.2)
        raise SystemExit(f"{name} did not fall asleep within {patience:.0f} s")

    def _phases(self, name: str) -> dict[str, float]:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for replica in self.client.endpoints.get(name).replicas:
                if replica.phases:
                    return replica.phases
            time.sleep(0.05)
        return {}

    def memory(self) -> None:
        """What each further replica has for itself."""
        self.client.endpoints.deploy(DeploySpec(model="bench", name="many", min_replicas=3, max_replicas=3), wait=60)
        url, body = self.client.endpoints.get("many").url, rows_body([self.row(0)])
        deadline = time.monotonic() + 30
        while len(pids := self._pids("many")) < 3 and time.monotonic() < deadline:
            time.sleep(0.2)
        for _ in range(300):
            self._post(url, body)
        time.sleep(2.0)  # the kernel side comes up behind the first answers
        found = sorted(private(pid) for pid in pids)
        shown = ", ".join(f"{value:.1f}" for value in found)
        print(f"\nprivate memory of each of three replicas, kernel side up: {shown} MB   (target < 30)")
        self.client.endpoints.remove("many")

    def _pids(self, name: str) -> list[int]:
        return [item.pid for item in self.client.endpoints.get(name).replicas if item.state == "ready" and item.pid]

    def step_of_load(self) -> None:
        """From nobody to 64 connections at once."""
        spec = DeploySpec(
            model="bench", name="step", min_replicas=0, max_replicas=4, policy="concurrency", concurrency=16, idle=1.0
        )
        self.client.endpoints.deploy(spec, wait=60)
        self._sleeping("step")
        files = self._files("step", Server("step", "", rows_body, 0.0), 1)
        url = self.client.endpoints.get("step").url
        item = wrk(url, 64, 15.0, JSON, self.authorization, files)
        decided = self.client.endpoints.decisions("step").decisions
        most = max(found.after for found in decided)
        print(f"\nstep from zero to 64 connections, 15 s: {item['rate']:,.0f} requests/s, {item['errors']:.0f} errors,")
        print(f"  {most} replicas at most (asked for at most 4), {len(decided)} decisions")
        self.client.endpoints.remove("step")

    def many_endpoints(self) -> None:
        """The same load on one of few and on one of a thousand endpoints, fifty of them awake."""
        url = self.client.endpoints.get("bench").url
        files = self._files("route", Server("route", "", rows_body, 0.0), 1)
        few = _median([wrk(url, 64, self.seconds, JSON, self.authorization, files) for _ in range(self.repeats)])
        begun = time.perf_counter()
        for number in range(1000):
            least = 1 if number < 50 else 0
            self.client.endpoints.deploy(
                DeploySpec(model="bench", name=f"e{number}", instance=NANO, min_replicas=least, idle=1.0)
            )
        took = time.perf_counter() - begun
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            states = [item.state.value for item in self.client.endpoints.list().endpoints]
            if states.count("sleeping") >= 950:
                break
            time.sleep(1.0)
        many = _median([wrk(url, 64, self.seconds, JSON, self.authorization, files) for _ in range(self.repeats)])
        counted = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        print(f"\n1,000 more endpoints deployed in {took:.0f} s: {counted}")
        ratio("requests/s with 1,000 more endpoints over before", many["rate"] / few["rate"], "about 1")

    def row(self, number: int) -> list[float]:
        return [round(float(value), 6) for value in self.rows[number]]

    def _post(self, url: str, body: bytes) -> bytes:
        headers = {"Content-Type": JSON, "Authorization": self.authorization}
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=60) as answer:
            return answer.read()


def wrk(url: str, connections: int, seconds: float, kind: str, token: str, files: list[Path]) -> dict[str, float]:
    """One turn of load, after half a second to warm up: requests per second, p50 and p99 in ms, errors."""
    command = ["wrk", "-t1", f"-c{connections}", "--timeout", "30s", "-s", str(HERE / "rotate.lua")]
    tail = [url, "--", kind, token, *map(str, files)]
    subprocess.run([*command, "-d1s", *tail], capture_output=True, check=True)
    done = subprocess.run([*command, f"-d{seconds:g}s", *tail], capture_output=True, text=True, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return {"rate": found["requests"] / found["seconds"], **{name: found[name] for name in ("p50", "p99", "errors")}}


def private(pid: int) -> float:
    """Private memory of a process in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024 / 1e6


def _best(found: dict[str, dict[str, float]]) -> float:
    return max(item["rate"] for name, item in found.items() if name not in OWN)


def _median(turns: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


if __name__ == "__main__":
    main()

"""A runner's part in the serving tests: a real zygote, a store with a model, and an event loop for supervisors."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from jupyter_slml.compute.supervisor import RunnerContext
from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.domain import formats, signatures
from jupyter_slml.domain.orders import Limits, ReplicaOrder
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.serving.replica.supervisor import ReplicaSupervisor
from jupyter_slml.settings import Workspace
from jupyter_slml.storage.blobs import file_url, open_blobs
from tests.integration.serving.stage import DEADLINE, until


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Any], seconds: float = DEADLINE) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)
        self.loop.close()


class Running:
    """A supervised replica."""

    def __init__(self, loop: Loop, supervisor: ReplicaSupervisor) -> None:
        self.loop = loop
        self.supervisor = supervisor
        self.said: list[dict[str, Any]] = []
        self.task = asyncio.run_coroutine_threadsafe(supervisor.run(self.said.append), loop.loop)

    def heard(self, kind: str) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            assert not self.task.done() or any(one["kind"] == kind for one in self.said), self.task.result()
            return next((one for one in self.said if one["kind"] == kind), None)

        found: dict[str, Any] = until(find, f"the replica says {kind}")
        return found

    @property
    def pid(self) -> int:
        return int(self.heard("started")["pid"])

    def end(self) -> dict[str, Any]:
        return self.task.result(DEADLINE)

    def stop(self, grace: float = 5.0) -> dict[str, Any]:
        self.loop.call(self.supervisor.stop("asked for", grace))
        return self.end()


def store(blobs: Blobs, model: Any) -> tuple[str, str]:
    """Digest and format of a model that is now in the store."""
    kind = formats.choose(model, formats.OUTPUT_FORMATS)
    data = io.BytesIO()
    kind.write(model, data)
    return blobs.add([data.getvalue()])[0], kind.key


class Hall:
    """Where replicas of one workspace are started."""

    def __init__(self, place: Workspace, loop: Loop, zygotes: Zygotes) -> None:
        self.place = place
        self.loop = loop
        self.blobs = open_blobs(file_url(place.blobs))
        self.context = RunnerContext(
            runner="test", host="here", run=place.run, data=place.home / "runner", blobs=self.blobs, fork=zygotes
        )
        self._number = 0
        self._started: list[Running] = []

    def close(self) -> None:
        for running in self._started:
            running.stop(0)

    def store(self, model: Any) -> tuple[str, str]:
        return store(self.blobs, model)

    def start(self, model: Any = None, **changes: Any) -> Running:
        self._number += 1
        if model is not None:
            digest, kind = self.store(model)
            changes = {"digest": digest, "format": kind, "signature": signatures.signature(model), **changes}
        usual: dict[str, Any] = {
            "id": f"rep-{self._number}",
            "endpoint": "churn",
            "revision": "r1",
            "model": "churn",
            "version": 3,
            "limits": Limits(threads=1, memory=2**30),
            "resources": {"slml_cpu": 0.25},
            "store": self.blobs.url,
            "gateway": str(self.place.gateway_socket),
            "token": "t1",
        }
        order = ReplicaOrder.model_validate({**usual, **changes})
        running = Running(self.loop, ReplicaSupervisor(order, self.context))
        self._started.append(running)
        return running


def memory(pid: int) -> Mapping[str, int]:
    """Kilobytes of a process: `Private_Dirty`, `Pss`, …"""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}

"""The worker plugin: makes any Dask worker one of ours.

It declares the slml resources and keeps a runner alive beside the worker. Registered through `Client.register_plugin`, so
that workers which come later, a nanny's replacement too, get it by themselves; clusters that users already run need
nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any

from dask.system import CPU_COUNT
from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.system import MEMORY_LIMIT

from jupyter_slml import __version__
from jupyter_slml.compute.gpus import present
from jupyter_slml.compute.link import RunnerPlace, Streams, attach
from jupyter_slml.domain.instances import CPU_RESOURCE, GIB, GPU_RESOURCE, MEMORY_RESOURCE
from jupyter_slml.errors import SlmlError, VersionMismatch

logger = logging.getLogger(__name__)

NAME = "slml"
#: Dask topic on which workers tell the daemon what happens.
TOPIC = "slml"
#: Pauses between attempts to have a runner again.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0


def host_resources(share: int = 1) -> dict[str, float]:
    """What one of `share` workers of this host may promise. GPUs are not divided: a remainder is left over."""
    gpus = len(present()) // share
    promised = {CPU_RESOURCE: CPU_COUNT / share, MEMORY_RESOURCE: round(MEMORY_LIMIT / GIB / share, 3)}
    return promised | ({GPU_RESOURCE: float(gpus)} if gpus else {})


class SlmlPlugin(WorkerPlugin):
    """One per worker. `setup` raises VersionMismatch or Unavailable, which `register_plugin` shows to the daemon."""

    name = NAME

    def __init__(self, place: RunnerPlace) -> None:
        self.place = place
        self.version = __version__
        self._stay: asyncio.Task[None] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"place": self.place, "version": self.version, "_stay": None}

    async def setup(self, worker: Worker) -> None:
        if self.version != __version__:
            raise VersionMismatch(
                f"The worker has jupyter-slml {__version__}, the daemon {self.version}.",
                remedy=f"On the workers: pip install jupyter-slml=={self.version}, then restart them.",
            )
        missing = {key: value for key, value in host_resources().items() if key not in worker.state.total_resources}
        if missing:
            # Not again for a worker that has them: the scheduler forgets what is in use when they are set.
            await worker.set_resources(**missing)
        streams = await self._attach()
        self._stay = asyncio.create_task(self._keep(streams), name="slml-runner-link")
        worker.log_event(TOPIC, {"kind": "worker", "address": worker.address, "host": socket.gethostname()})

    async def teardown(self, worker: Worker) -> None:
        if self._stay is not None:
            self._stay.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stay

    async def _attach(self) -> Streams:
        """A connection that tells the runner that this worker needs it. Raises Unavailable, VersionMismatch."""
        return await attach(self.place, worker=True)

    async def _keep(self, streams: Streams | None) -> None:
        """Have a runner at hand: when it dies, the next order shall find another warm one."""
        pause = FIRST_PAUSE
        while True:
            if streams is not None:
                reader, writer = streams
                try:
                    await reader.read()
                except ConnectionError:
                    logger.info("the runner's connection broke")
                finally:
                    writer.close()
            await asyncio.sleep(pause)
            try:
                streams, pause = await self._attach(), FIRST_PAUSE
            except SlmlError as error:
                logger.warning("%s", error)
                streams, pause = None, min(pause * 2, LONGEST_PAUSE)

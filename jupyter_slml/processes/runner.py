"""The runner's process: one per host and workspace, by a lock.

Started by `compute/link.py` in a session of its own, so that it outlives Dask and the daemon, with the lock already held: a
second one is never started. SIGTERM ends it and everything under it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
from pathlib import Path

from jupyter_slml.compute import procfs, runners
from jupyter_slml.compute.attempt import AttemptSupervisor
from jupyter_slml.compute.elders import leave_gpus
from jupyter_slml.compute.leftovers import clear
from jupyter_slml.compute.runner import Runner
from jupyter_slml.compute.supervisor import RunnerContext, Supervisors
from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.domain.instances import GIB
from jupyter_slml.settings import own_directory
from jupyter_slml.storage.blobs import open_blobs

#: Seconds without an order and without a worker after which a runner leaves.
IDLE_VARIABLE = "SLML_RUNNER_IDLE"
IDLE = 60.0

logger = logging.getLogger(__name__)


def supervisors() -> Supervisors:
    from jupyter_slml.serving.replica.supervisor import ReplicaSupervisor

    return {"attempt": AttemptSupervisor, "replica": ReplicaSupervisor}


async def run(arguments: argparse.Namespace) -> None:
    runner_id = f"runner-{secrets.token_hex(6)}"
    marker = f"{arguments.workspace}/{runner_id}"
    own = runners.hold(runners.own_lock(arguments.run, runner_id))
    elders = runners.clear_dead(arguments.run) - {runner_id}
    # Under the host's lock no other runner starts: what carries the marker of a dead one has lost its runner.
    spare = [marker, *(f"{arguments.workspace}/{elder}" for elder in elders)]
    killed = procfs.sweep(f"{arguments.workspace}/", spare)
    if killed:
        logger.warning("ended %d processes that an earlier runner had left", killed)
    procfs.become_subreaper()
    zygotes = Zygotes(arguments.run, arguments.data / "zygote.log", marker)
    context = RunnerContext(
        runner=runner_id,
        host=socket.gethostname(),
        run=arguments.run,
        data=arguments.data,
        blobs=open_blobs(arguments.store),
        fork=zygotes,
        cache_bytes=int(arguments.cache_gib * GIB),
        has_elders=bool(elders),
    )
    if not elders:
        caches = (arguments.data / "inputs").glob(f"{context.host}.runner-*")
        await asyncio.to_thread(clear, context.scratch(""), context.checkpoints(""), caches)
    respect = await leave_gpus(zygotes.gpus, runners.retired(arguments.run))
    runner = Runner(context, zygotes, supervisors(), float(os.environ.get(IDLE_VARIABLE, IDLE)), arguments.lock)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, runner.leave)
    await runner.serve()
    respect.cancel()
    zygotes.socket.unlink(missing_ok=True)
    runners.own_lock(arguments.run, runner_id).unlink(missing_ok=True)
    os.close(own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True, help="id of the workspace")
    parser.add_argument("--run", type=Path, required=True, help="short private directory for sockets")
    parser.add_argument("--data", type=Path, required=True, help="private directory on disk")
    parser.add_argument("--store", required=True, help="URL of the blob store")
    parser.add_argument("--cache-gib", type=float, default=20.0, help="size of this host's cache of inputs")
    parser.add_argument("--lock", type=int, required=True, help="inherited descriptor that holds the host's lock")
    arguments = parser.parse_args()
    own_directory(arguments.run)
    own_directory(arguments.data)
    # Nothing that we start may hold the lock after us.
    os.set_inheritable(arguments.lock, False)
    logging.basicConfig(
        filename=arguments.data / "runner.log", level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    os.umask(0o077)
    asyncio.run(run(arguments))
    # The transfer of an input may hang in a thread, which an orderly exit would wait for.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()

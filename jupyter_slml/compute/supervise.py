"""What the daemon runs on Dask workers: one supervising task per order.

The task does nothing but hold the order's resources and pass on what the runner says. It is asynchronous and leaves its task
slot at once, so a hundred of them block no thread and cannot starve a cell's own Dask tasks. Killing it ends nothing.
"""

from __future__ import annotations

import json
import socket
from time import time
from typing import Any, cast

from distributed import Worker, get_worker
from distributed.worker_state_machine import SecedeEvent

from jupyter_slml.compute.link import reach
from jupyter_slml.compute.plugin import NAME, TOPIC, SlmlPlugin
from jupyter_slml.errors import SlmlError

#: Kinds of message after which nothing follows.
FINAL = ("ended", "fenced", "lost")


def task_key(order_id: str) -> str:
    return f"slml-{order_id}"


async def supervise(order: str, attach: bool = False) -> dict[str, Any]:
    """Give the order to this host's runner, or attach to it there, and follow it to its end.

    Each message is logged to the topic as `{"order", "address", "host", …}`; the last one is returned too: `ended`,
    `fenced`, or `lost` when the runner went away. With `attach`, an order that the runner does not know is `lost` and
    not started.
    """
    worker = get_worker()
    data = json.loads(order)
    _leave_slot(worker, task_key(data["id"]))
    known = {"order": data["id"], "address": worker.address, "host": socket.gethostname()}
    message: dict[str, Any] = {"kind": "lost", "message": "The runner on this host was killed."}
    request = json.dumps({"op": "supervise", "order": data, "attach": attach}).encode() + b"\n"
    heard: dict[str, Any] = {"kind": "retired"}
    # A runner that makes way for a newer one in this very moment takes no order: there is another one soon.
    while heard["kind"] == "retired":
        try:
            plugin = cast(SlmlPlugin, worker.plugins[NAME])
            reader, writer = await reach(plugin.place, data["id"])
        except (KeyError, SlmlError) as error:
            message = {"kind": "lost", "unstarted": True, "message": f"This worker has no runner: {error}"}
            break
        heard = message
        try:
            writer.write(request)
            while line := await reader.readline():
                heard = json.loads(line)
                if heard["kind"] in FINAL:
                    message = heard
                if heard["kind"] in (*FINAL, "retired"):
                    break
                worker.log_event(TOPIC, {**heard, **known})
        except (ConnectionError, ValueError) as error:
            message["message"] += f" ({type(error).__name__})"
        finally:
            writer.close()
    message = {**message, **known}
    worker.log_event(TOPIC, message)
    return message


def _leave_slot(worker: Worker, key: str) -> None:
    """What `distributed.secede` does for a thread: the task keeps its resources and stops counting against `nthreads`."""
    worker.handle_stimulus(SecedeEvent(key=key, compute_duration=0.001, stimulus_id=f"secede-{time()}"))

"""The program of a replica, run in a child of the zygote: a data thread that answers, and behind it a Jupyter kernel.

The data thread goes first, so that an endpoint answers after the model is loaded and does not wait for the kernel. A payload
without a `path` is a plain kernel: what `ZygoteProvisioner` starts for others.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import orjson

from jupyter_slml.errors import Invalid, SlmlError
from jupyter_slml.predictors.loading import load
from jupyter_slml.serving import frames
from jupyter_slml.serving.replica.batch import Answerer, first_line
from jupyter_slml.serving.replica.columns import Columns
from jupyter_slml.serving.replica.console import Predict, leaving
from jupyter_slml.serving.replica.link import DataLink

log = logging.getLogger("slml.replica")

#: How long a thread that wants the interpreter lock waits before it asks for it. With the usual 5 ms, a busy cell in the
#: kernel's main thread slows predictions twentyfold.
SWITCH_INTERVAL = 2e-4

#: Seconds for which the kernel side waits until the gateway knows the replica: starting both at once makes the first
#: answer a third slower.
HEAD_START = 0.1

#: Seconds between two signs of life, at most.
LONGEST_BEAT = 5.0

#: Frames of a loading error that are shown.
SHOWN_FRAMES = 20

#: What the kernel side needs; imported in the zygote, once for all children.
KERNEL_MODULES = (
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.historyapp",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.idna",
    "encodings.latin_1",
    "ipykernel.comm",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "jupyter_client.session",
    "jupyter_slml.predictors.xgb",
    "tornado.gen",
    "tornado.ioloop",
    "tornado.platform.asyncio",
    "tornado.queues",
    "zmq.eventloop.zmqstream",
)


def prepare() -> None:
    """Import what every replica needs. Called in the zygote."""
    for name in KERNEL_MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run(payload: dict[str, Any], messages: int) -> None:
    """Become a replica. Returns when the kernel is shut down; leaves the process when the model cannot be loaded."""
    begun = time.time()
    sys.setswitchinterval(SWITCH_INTERVAL)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
    # A kernel whose starter's pid is in the environment ends itself when that pid is not its parent's.
    os.environ.pop("JPY_PARENT_PID", None)
    names: dict[str, Any] = {}
    loaded = threading.Event()
    if payload.get("path"):
        replica = Replica(payload, messages, begun, names, loaded)
        threading.Thread(target=replica.main, name="slml-data", daemon=True).start()
        threading.Thread(target=replica.beat, name="slml-health", daemon=True).start()
        # The debugger costs each replica 10 MB of its own and the first requests their processor, and a server that
        # stands still at a breakpoint is no server.
        sys.modules["debugpy"] = None  # type: ignore[assignment]
        replica.attached.wait(HEAD_START)
    else:
        loaded.set()
    # A plain kernel has a debugger, and that wants to know of the modules.
    with _few_modules() if payload.get("path") else contextlib.nullcontext():
        app = _kernel(payload["connection_file"], payload.get("arguments", ["--HistoryManager.enabled=False"]))
    loaded.wait()
    if payload.get("path"):
        names |= leaving(app.shell)
    app.shell.push(names)
    app.start()


@contextlib.contextmanager
def _few_modules() -> Iterator[None]:
    """Keep a starting ipykernel from looking at every loaded module.

    It collects their files for its debugger, which a replica has not: that alone would copy 9 MB of the pages that all
    replicas share. It looks through its own name `sys`; a version that does otherwise only costs the memory.
    """
    ipkernel: Any = importlib.import_module("ipykernel.ipkernel")

    class System(ModuleType):
        modules: ClassVar[dict[str, ModuleType]] = {}

        def __getattr__(self, name: str) -> Any:
            return getattr(sys, name)

    before = ipkernel.sys
    ipkernel.sys = System("sys")
    try:
        yield
    finally:
        ipkernel.sys = before


def _kernel(connection_file: str, more: list[str]) -> Any:
    from ipykernel.kernelapp import IPKernelApp
    from IPython.core.interactiveshell import InteractiveShell

    if InteractiveShell.initialized():
        # The shell that the zygote keeps for cells; the kernel makes its own.
        type(InteractiveShell.instance()).clear_instance()
    argv = ["-f", connection_file, *more]
    sys.argv = ["ipykernel_launcher", *argv]
    app: Any = IPKernelApp.instance()
    app.initialize(argv)
    return app


class Replica:
    """Loads the model, proves that it predicts, then answers the gateway."""

    def __init__(
        self, payload: dict[str, Any], messages: int, begun: float, names: dict[str, Any], loaded: threading.Event
    ) -> None:
        self._payload = payload
        self._messages = messages
        self._names = names
        self._loaded = loaded
        #: Held by whoever predicts: the data thread, or a console.
        self._lock = threading.Lock()
        #: Seconds for which the data thread has been at one batch, the sample's included.
        self._busy: Callable[[], float] = lambda: 0.0
        #: Set when a gateway has let us in.
        self.attached = threading.Event()
        #: Milliseconds by phase.
        self._phases = {"fork": round((begun - payload["asked_at"]) * 1000, 2)}
        self._mark = time.perf_counter()

    def main(self) -> None:
        """The data thread."""
        # A number beyond float32 becomes infinite without a word; setting it once is cheaper than for each batch.
        np.seterr(over="ignore")
        try:
            answerer = self._load()
        except BaseException as error:
            log.error("the model could not be loaded", exc_info=error)
            self._tell({"kind": "failed", "error": describe(error)})
            os._exit(1)

        lock = self._lock

        def answer(parts: list[bytes]) -> list[bytes]:
            questions = [frames.read_question(part) for part in parts]
            with lock:
                replies = answerer.answer(questions)
            return [frames.write_reply(reply) for reply in replies]

        hello = {name: self._payload[name] for name in ("endpoint", "revision", "replica", "token")}
        if self._payload["standby"]:
            hello["standby"] = True
        link = DataLink(self._payload["gateways"], hello, answer, self._attached)
        self._busy = lambda: link.busy
        try:
            link.run()
        except BaseException as error:
            # A kernel that cannot answer is no replica.
            log.critical("the data thread ended", exc_info=error)
            os._exit(1)

    def beat(self) -> None:
        """The health thread: says every now and then that the process lives, and for how long it has been at a batch."""
        interval = min(LONGEST_BEAT, self._payload["patience"] / 4)
        while True:
            time.sleep(interval)
            self._tell({"kind": "alive", "busy": self._busy()})

    def _load(self) -> Answerer:
        payload = self._payload
        path, digest, key = Path(payload["path"]), payload["digest"], payload["format"]
        threads, allowed = int(payload.get("threads", 1)), bool(payload.get("allow_pickle"))
        model, found = load(path, digest, key, payload.get("signature"), threads, allowed)
        columns = Columns(payload.get("signature"))
        answerer = Answerer(found, columns)
        self._names.update(
            model=model,
            signature=payload.get("signature"),
            predict=Predict(answerer, self._lock),
            endpoint=payload["endpoint"],
            version=payload["version"],
            replica=payload["replica"],
        )
        self._phase("load")
        begun = time.monotonic()
        self._busy = lambda: time.monotonic() - begun
        _sample(answerer, columns, payload.get("sample"))
        self._busy = lambda: 0.0
        self._phase("sample")
        self._loaded.set()
        # What is there now lives as long as the replica: the collector need not look at it, nor copy its pages.
        gc.collect()
        gc.freeze()
        self._phase("settle")
        return answerer

    def _attached(self) -> None:
        if not self.attached.is_set():
            self.attached.set()
            self._phase("attach")
            self._tell({"kind": "ready", "phases": self._phases})

    def _phase(self, name: str) -> None:
        now = time.perf_counter()
        self._phases[name] = round((now - self._mark) * 1000, 2)
        self._mark = now

    def _tell(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._messages, data) :]


def _sample(answerer: Answerer, columns: Columns, given: Any) -> None:
    """One prediction, through all that a request goes through: of the body that was given, else of a made-up row.

    Raises Invalid when it fails. A model of which neither a body nor the width is known is believed.
    """
    try:
        if given is not None:
            what = "the sample"
            (reply,) = answerer.answer([frames.Question("application/json", "", orjson.dumps(given))])
            if reply.status != 200:
                raise Invalid(orjson.loads(reply.body)["error"]["message"])
        elif answerer.takes_rows and columns.width is not None:
            what = f"a row of {columns.width} {answerer.sample_is}"
            answerer.sample()
    except Exception as error:
        message = error.message if isinstance(error, SlmlError) else first_line(error)
        raise Invalid(
            f"The model does not predict {what}: {message}",
            field="model",
            remedy="Check that it was trained with the columns of its signature, or deploy it with a sample that it takes.",
        ) from error


def describe(error: BaseException) -> dict[str, Any]:
    """The error as people see it: our own frames left out, and an own error as its message alone or with what caused it."""
    if isinstance(error, SlmlError) and (error.__cause__ is None or isinstance(error.__cause__, SlmlError)):
        return {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
    ours = str(Path(__file__).parents[2])
    source = error.__cause__ if isinstance(error, SlmlError) and error.__cause__ is not None else error
    frames_ = [frame for frame in traceback.extract_tb(source.__traceback__) if not frame.filename.startswith(ours)]
    # The last ones: a recursion has a thousand.
    lines = traceback.format_list(frames_[-SHOWN_FRAMES:]) + traceback.format_exception_only(source)
    return {"ename": type(error).__name__, "evalue": str(error)[:2000], "traceback": [line.rstrip("\n") for line in lines]}

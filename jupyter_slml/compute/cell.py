"""The program that runs one attempt's cell in a forked child.

Bind what travelled, run the cell, write what it left, and say all of it on the messages fd. The exit code is 0 when the
result was said, whatever it is; another code (or a signal) means that the cell took the process along.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path
from typing import Any

from jupyter_slml import here
from jupyter_slml.compute.assigned import assigned
from jupyter_slml.compute.autolog import Autolog
from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.channels import read_manifest
from jupyter_slml.compute.descriptors import spare_descriptors
from jupyter_slml.compute.environment import environment, read_installed
from jupyter_slml.compute.failures import describe
from jupyter_slml.compute.handle import JobHandle
from jupyter_slml.compute.leaving import exit_code
from jupyter_slml.compute.patterns import MetricPatterns
from jupyter_slml.compute.results import NotStored, collect
from jupyter_slml.compute.room import NoRoom
from jupyter_slml.compute.shell import JobShell, KeepParameters, build
from jupyter_slml.domain import formats

_shell: list[JobShell] = []
_autolog: list[Autolog] = []


def prepare() -> None:
    """In the zygote: build the shell and autolog's wrappers."""
    if not _shell:
        read_installed()
        _autolog.append(Autolog())
        with tempfile.TemporaryDirectory(prefix="slml-ipython-") as folder:
            _shell.append(build(Path(folder)))


def run(payload: dict[str, Any], messages: int) -> int:
    """Run the cell that `payload` describes (see `AttemptSupervisor`). Returns the exit code; never raises."""
    prepare()
    channel = Channel(messages)
    cell = Cell(payload, channel, _shell[0])
    try:
        result = cell.bind() or cell.run()
    except SystemExit as leaving:
        result = {"exit": exit_code(leaving)}
    return 0 if channel.send({"kind": "result", **result}) else 1


def shell() -> JobShell:
    """The one that `prepare` has built."""
    return _shell[0]


def autolog() -> Autolog:
    return _autolog[0]


class Cell:
    """One run of one cell."""

    #: What it sees as `slml`.
    handle_class: type[JobHandle] = JobHandle

    def __init__(self, payload: dict[str, Any], channel: Channel, shell: JobShell) -> None:
        self.payload = payload
        self.channel = channel
        self.shell = shell
        self.folder = Path(payload["work"])
        count = payload["execution_count"]
        self.name = f"<{payload['name']}>" if count is None else f"<{payload['name']} In[{count}]>"

    def bind(self) -> dict[str, Any] | None:
        """Give the shell the captures, the parameters and `slml`. Returns a failed result when a capture cannot be read."""
        payload = self.payload
        # A relative entry would follow the cell when it changes its directory.
        sys.path.insert(0, str(self.folder))
        sys.argv = [payload["name"]]
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        warnings.filterwarnings("ignore", message="To exit: use")
        self.shell.connect(self.channel, self.name)
        self.handle = handle = self.handle_class(
            self.channel,
            job=payload["job"],
            attempt=payload["attempt"],
            name=payload["name"],
            parameters=payload["parameters"],
            checkpoint_dir=Path(payload["checkpoints"]),
            output_dir=Path(payload["output_dir"]),
            inputs=read_manifest(payload["inputs"]),
        )
        here.set(handle)
        if payload["autolog"]:
            _autolog[0].install(handle.record_unasked)
        if payload["metric_patterns"]:
            patterns = MetricPatterns(payload["metric_patterns"], handle.record_unasked)
            for stream in (sys.stdout, sys.stderr):
                patterns.listen(stream)
        if payload["bundle"]:
            with zipfile.ZipFile(payload["bundle"]) as bundle:
                bundle.extractall(self.folder)
        self.shell.user_ns.update(payload["parameters"])
        self.shell.user_ns["slml"] = handle
        self.shell.ast_transformers.append(KeepParameters(set(payload["parameters"])))
        return self._bind_captures(payload["captures"])

    def _bind_captures(self, captures: list[dict[str, Any]]) -> dict[str, Any] | None:
        """One by one, each bound before the next is read: building a class may run code that reads other names.

        They come in the order of need. Two that need each other may still come the wrong way round: one that misses a name
        that is to come waits for it, once.
        """
        coming = {capture["name"]: capture for capture in captures}
        waited: set[tuple[str, str | None]] = set()
        while coming:
            name, capture = next(iter(coming.items()))
            del coming[name]
            try:
                self.shell.user_ns[name] = _read(capture)
            except NameError as error:
                if error.name not in coming or (name, error.name) in waited:
                    return self._unreadable(capture, error)
                waited.add((name, error.name))
                missing = coming.pop(error.name)
                coming = {error.name: missing, name: capture, **coming}
            except Exception as error:
                return self._unreadable(capture, error)
        return None

    def _unreadable(self, capture: dict[str, Any], error: Exception) -> dict[str, Any]:
        name, kind = capture["name"], capture["type"]
        message = f"{name!r} (a {kind}) cannot be read on the worker: {type(error).__name__}: {error}."
        if isinstance(error, ImportError) and error.name:
            package = error.name.partition(".")[0]
            message = (
                f"The worker has no module {error.name!r}, which {name!r} needs. Install {package} in the worker's "
                f"environment, or send it along with --files if it is a file of yours."
            )
        return {"error": describe(error, self.name, self.folder), "message": message, "outputs": [], "skipped": {}}

    def run(self) -> dict[str, Any]:
        """Run the cell and collect what it left."""
        self.channel.send({"kind": "first_line", "at": time.time()})
        with spare_descriptors():
            ran: Any = self.shell.run_cell(self.payload["source"])  # type: ignore[no-untyped-call]
        error = ran.error_before_exec or ran.error_in_exec
        if isinstance(error, SystemExit):
            return {"exit": exit_code(error)}
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
        if error is not None:
            return {"error": describe(error, self.name, self.folder), "outputs": [], "skipped": {}}
        tree = ast.parse(self.shell.transform_cell(self.payload["source"]))
        out = Path(self.payload["out"])
        try:
            left = assigned(tree, self.shell.transform_cell)
            outputs, skipped = collect(
                self.shell.user_ns, self.payload["outputs"], left, out, _autolog[0].sample, self._wait
            )
        except NoRoom as full:
            return {"error": None, "full": f"The cell's outputs could not be stored: {full}", "outputs": [], "skipped": {}}
        except NotStored as missing:
            return {"error": None, "missing": str(missing), "outputs": [], "skipped": {}}
        return {"error": None, "outputs": outputs, "skipped": skipped, "environment": environment()}

    def _wait(self, message: str) -> None:
        self.channel.send({"kind": "waits", "message": message})


def _read(capture: dict[str, Any]) -> Any:
    if capture["format"] == "module":
        return importlib.import_module(capture["digest"])
    if capture["format"] == "file":
        return Path(capture["path"])
    return formats.by_key(capture["format"]).read(Path(capture["path"]))

"""Bounds: the log, the metrics, files, the executed cell, scratch space."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute import files, scratch
from jupyter_slml.compute.chunks import Chunks
from jupyter_slml.compute.gpus import Gpus, present
from jupyter_slml.compute.log import TAIL, Log
from jupyter_slml.compute.metrics import MOST_NAMES, Metrics
from jupyter_slml.compute.outcomes import persist
from jupyter_slml.compute.patterns import MetricPatterns
from jupyter_slml.compute.transcript import Transcript
from jupyter_slml.domain.orders import AttemptOrder, Limits
from jupyter_slml.domain.outcomes import CellError, Outcome, Reason
from jupyter_slml.domain.specs import JobSpec
from jupyter_slml.domain.states import AttemptState
from jupyter_slml.errors import StorageFull, Unavailable
from jupyter_slml.storage.blobs import open_blobs

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def blobs(tmp_path: Path) -> Any:
    return open_blobs((tmp_path / "store").as_uri())


def lines(blobs: Any, leaf: str) -> list[dict[str, Any]]:
    return [json.loads(line) for key in blobs.list(f"attempts/a/{leaf}") for line in blobs.get(key).splitlines()]


async def test_a_log_over_its_limit_keeps_both_ends(blobs: Any) -> None:
    log = Log(Chunks(blobs, "a", "log", lambda sequence: None), limit=1000)
    for number in range(5000):
        log.add("out" if number % 2 else "err", f"{number:099d}\n")
    await log.close()
    found = lines(blobs, "log")
    text = "".join(line["x"] for line in found)
    assert text.startswith(f"{0:099d}\n") and text.endswith(f"{4999:099d}\n")
    assert "1000 bytes, its limit" in text
    assert TAIL <= sum(len(line["x"]) for line in found) <= TAIL + 1500
    assert "KiB of output were left out here" in text


async def test_metrics_are_bounded_in_points_and_names(blobs: Any) -> None:
    changes: list[int] = []
    last: dict[str, float] = {}
    metrics = Metrics(Chunks(blobs, "a", "metrics", lambda sequence: None), last, lambda: changes.append(1), limit=10)
    for number in range(20):
        metrics.add({"loss": number}, number)
    metrics.add({f"m{number}": 1.0 for number in range(MOST_NAMES + 5)}, None)
    await metrics.chunks.close()
    assert len(lines(blobs, "metrics")) == 10 and last["loss"] == 19 and len(last) == MOST_NAMES
    assert len(changes) == 21
    first, second = metrics.losses()
    assert first.startswith("11 metric points were left out") and f"at most {MOST_NAMES} metrics" in second


class FullBlobs:
    """A store on a disk that is full until `room`."""

    def __init__(self, blobs: Any, error: Exception) -> None:
        self.blobs, self.error, self.room, self.tries = blobs, error, False, 0

    def put(self, key: str, data: bytes) -> None:
        self.tries += 1
        if not self.room:
            raise self.error
        self.blobs.put(key, data)


@pytest.mark.parametrize("error", [StorageFull(), Unavailable("gone")])
async def test_a_full_store_is_waited_for(blobs: Any, error: Exception) -> None:
    full = FullBlobs(blobs, error)
    waiting = asyncio.create_task(persist(full.put, "k", b"v"))
    async with asyncio.timeout(10):
        while full.tries < 2:
            await asyncio.sleep(0.01)
    full.room = True
    await waiting
    assert blobs.get("k") == b"v"
    full.room = False
    with pytest.raises(type(error)):
        await persist(full.put, "k", b"v", patience=0)


async def test_what_a_full_store_did_not_take_is_said(blobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_slml.compute.chunks.PAUSES", (0.0, None))
    full: Any = FullBlobs(blobs, StorageFull())
    log = Log(Chunks(full, "a", "log", lambda sequence: None))
    log.add("out", "lost\n")
    async with asyncio.timeout(10):
        while not log.chunks.refused:
            await asyncio.sleep(0.01)
    full.room = True
    log.add("out", "kept\n")
    await log.close()
    text = "".join(line["x"] for line in lines(blobs, "log"))
    assert "kept" in text and "lost" not in text and "the store did not take them" in text


def test_files_come_back_and_links_do_not(blobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "output"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "modèle.bin").write_bytes(b"model")
    (root / "a.txt").write_text("a")
    (root / "link").symlink_to("/etc/passwd")
    (root / "folder").symlink_to("/etc")
    os.mkfifo(root / "pipe")
    (root / "new\nline").write_text("x")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).write_text("x")
    found, behind = files.bring(blobs, root)
    assert [(item.name, item.format, item.size) for item in found] == [("a.txt", "file", 1), ("deep/modèle.bin", "file", 5)]
    assert b"".join(blobs.read(found[1].digest)) == b"model"
    assert behind["output_dir/link"] == behind["output_dir/folder"]
    assert behind["output_dir/link"] == "a symbolic link; copy the file itself into slml.output_dir"
    assert behind["output_dir/pipe"] == "not a regular file"
    assert {"output_dir/new\\x0aline", "output_dir/\\xff"} < behind.keys()
    json.dumps(behind).encode()
    monkeypatch.setattr(files, "MOST_FILES", 1)
    assert "pack them into an archive" in files.bring(blobs, root)[1]["output_dir/deep/modèle.bin"]
    monkeypatch.setattr(files, "MOST_BYTES", 3)
    monkeypatch.setattr(files, "MOST_FILES", 10)
    assert "all files together" in files.bring(blobs, root)[1]["output_dir/deep/modèle.bin"]


def order() -> AttemptOrder:
    spec = JobSpec(source="x = 1\nx", parameters={"a": 1})
    return AttemptOrder(
        id="a", job="j", job_name="churn", number=1, spec=spec, limits=Limits(threads=1, memory=1), resources={}, store="x"
    )


def read(transcript: Transcript, outcome: Outcome) -> Any:
    import nbformat

    made: Any = nbformat.reads(transcript.notebook(order(), outcome).decode(), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(made)
    return made


def test_the_executed_cell_is_a_valid_notebook() -> None:
    transcript = Transcript()
    for stream, text in (("out", "a"), ("out", "b\n"), ("err", "warned\n"), ("out", "c")):
        transcript.stream(stream, text)
    shown = {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}}
    transcript.display({**shown, "transient": {"display_id": "d", "update": False}})
    transcript.display(
        {"output_type": "execute_result", "execution_count": None, "data": {"text/plain": "x"}, "metadata": {}}
    )
    transcript.display({**shown, "data": {"text/plain": "2"}, "transient": {"display_id": "d", "update": True}})
    error = CellError(ename="ValueError", evalue="no", traceback=["ValueError: no"], line=1)
    outcome = Outcome(attempt="a", state=AttemptState.FAILED, reason=Reason.EXCEPTION, error=error)
    made = read(transcript, outcome)
    outputs = made.cells[0].outputs
    assert [(item.output_type, item.get("name")) for item in outputs] == [
        ("stream", "stdout"),
        ("stream", "stderr"),
        ("stream", "stdout"),
        ("display_data", None),
        ("execute_result", None),
        ("error", None),
    ]
    assert outputs[0].text == "ab\n" and outputs[3].data["text/plain"] == "2"
    assert made.cells[0].source == "x = 1\nx"
    killed = Outcome(attempt="a", state=AttemptState.FAILED, reason=Reason.MEMORY, message="too much")
    made = read(transcript, killed)
    assert made.cells[0].outputs[-1].evalue == "too much"
    for _ in range(100):
        transcript.stream("out", "x" * 50_000)
    assert len(transcript.notebook(order(), killed)) < 2 * 2**20


async def test_disk_use_is_what_the_files_take(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(1 << 20))
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "link").symlink_to("/usr")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert 1 << 20 <= scratch.usage([tmp_path, tmp_path / "missing"]) < 1.1 * (1 << 20)
    watching = asyncio.create_task(scratch.outgrown([tmp_path], 1 << 19))
    assert await asyncio.wait_for(watching, 10) >= 1 << 20


def test_patterns_count_their_matches() -> None:
    import io

    said: list[Any] = []
    stream = io.StringIO()
    patterns = MetricPatterns({"loss": r"loss=(\S+)"}, lambda values, step: said.append((values, step)))
    patterns.listen(stream)
    for text in ("loss", "=1.5 loss=2", "\rloss=x\n", "loss=3"):
        stream.write(text)
    assert said == [({"loss": 1.5}, 0), ({"loss": 2.0}, 1)]
    assert stream.getvalue() == "loss=1.5 loss=2\rloss=x\nloss=3"


@pytest.mark.parametrize("expression", [r"(a|aa)+$", r"(a+)+$", r"(a+)+\1$", r"^((a|a)+)+b"])
def test_an_expression_that_takes_forever_is_given_up(expression: str) -> None:
    import io
    import time

    said: list[Any] = []
    stream = io.StringIO()
    patterns = MetricPatterns({"typo": expression, "loss": r"loss=(\S+)"}, lambda values, step: said.append(values))
    patterns.listen(stream)
    begun = time.process_time()
    for number in range(50):
        stream.write("a" * 2000 + f"! loss={number}\n")
    assert time.process_time() - begun < 10
    assert said == [{"loss": float(number)} for number in range(50)]
    remarks = [line for line in stream.getvalue().splitlines() if line.startswith("slml")]
    assert len(remarks) == 1 and "'typo'" in remarks[0] and expression in remarks[0]


async def test_gpus_are_given_to_one_at_a_time(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert present({}, tmp_path) == ["0", "1", "10"]
    assert present({"SLML_GPUS": "2"}, tmp_path) == ["0", "1"]
    assert present({"CUDA_VISIBLE_DEVICES": "3,GPU-abc"}, tmp_path) == ["3", "GPU-abc"]
    assert present({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == []
    gpus = Gpus(["0", "1", "10"])
    assert await gpus.take(0) == []
    assert await gpus.take(2) == ["0", "1"]
    waiting = asyncio.create_task(gpus.take(2))
    await gpus.give_back(["1"])
    assert await waiting == ["1", "10"]
    with pytest.raises(Unavailable, match="4 GPUs"):
        await gpus.take(4)

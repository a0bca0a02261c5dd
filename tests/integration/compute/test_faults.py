"""Accidents in a cell: the job ends with words that a person understands, and nothing else is touched."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute import procfs
from jupyter_slml.compute.link import ask
from jupyter_slml.domain.outcomes import Reason
from jupyter_slml.domain.states import AttemptState

pytestmark = pytest.mark.anyio

MIB = 2**20


@pytest.fixture
async def bystander(follow: Any, order: Any, place: Any, tmp_path: Path) -> AsyncIterator[None]:
    """Another job in the same runner: it and the runner and the zygote must be the same afterwards."""
    go = tmp_path / "go"
    followed = await follow(order(f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(.01)\nkept = 1"))
    await followed.until("first_line")
    before = await ask(place, {"op": "hello"})
    yield
    after = await ask(place, {"op": "hello"})
    assert before and after and (before["pid"], before["zygote"]) == (after["pid"], after["zygote"])
    go.touch()
    assert (await followed.outcome()).state is AttemptState.SUCCEEDED


HOG = "import numpy as np\nkept = []\nwhile True: kept.append(np.ones(2**20)); slml.log(n=len(kept))"
SHARED = "import mmap\nkept = []\nwhile True:\n  m = mmap.mmap(-1, 2**23); m.write(b'x' * 2**23); kept.append(m)"
FAMILY = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        kept = []
        while len(kept) < 60: kept.append(os.urandom(2**20)); time.sleep(.002)
        time.sleep(1000)
time.sleep(1000)
"""
ACCIDENTS = {
    "_exit": ("import os\nos._exit(7)", {}, Reason.EXIT, "exit code 7"),
    "abort": ("import os\nos.abort()", {}, Reason.EXIT, "SIGABRT"),
    "segfault": ("import ctypes\nctypes.string_at(0)", {}, Reason.EXIT, "SIGSEGV"),
    "segfault in a thread": (
        "import ctypes, threading\nt = threading.Thread(target=ctypes.string_at, args=(0,)); t.start(); t.join()",
        {},
        Reason.EXIT,
        "SIGSEGV",
    ),
    "memory": (HOG, {"memory": 150 * MIB}, Reason.MEMORY, "cpu.small allows 150 MiB"),
    "shared memory": (SHARED, {"memory": 150 * MIB}, Reason.MEMORY, "cpu.small allows 150 MiB"),
    "memory of a family": (FAMILY, {"memory": 150 * MIB}, Reason.MEMORY, "cpu.small allows 150 MiB"),
    "memory error": ("b = bytearray(2**60)", {}, Reason.EXCEPTION, "MemoryError"),
    "fork hangs": ("import os\nif os.fork() == 0:\n  while True: pass\nos.wait()", {"timeout": 1}, Reason.TIMEOUT, "1 s"),
    "SIGTERM ignored": (
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        {"timeout": 0.5, "grace": 0.2},
        Reason.TIMEOUT,
        "0.5 s",
    ),
    "stdin": ("x = input('name? ')", {}, Reason.EXCEPTION, "EOFError"),
    "stdin of a child": (
        "import subprocess\nsubprocess.run(['cat'], check=True)\n1/0",
        {},
        Reason.EXCEPTION,
        "ZeroDivision",
    ),
    "descriptors": (
        "kept = []\nwhile True: kept.append(open('/dev/null'))",
        {},
        Reason.EXCEPTION,
        "Too many open files",
    ),
    "disk": (
        "f = open('big', 'wb')\nwhile True: f.write(b'x' * 2**20); f.flush()",
        {"disk": 200 * MIB},
        Reason.DISK,
        "cpu.small allows 200 MiB",
    ),
}


@pytest.mark.parametrize("name", ACCIDENTS)
async def test_an_accident_ends_one_job(follow: Any, order: Any, bystander: None, name: str) -> None:
    source, limits, reason, words = ACCIDENTS[name]
    followed = await follow(order(source, **limits))
    outcome = await followed.outcome()
    expected = AttemptState.TIMED_OUT if reason is Reason.TIMEOUT else AttemptState.FAILED
    assert (outcome.state, outcome.reason) == (expected, reason), outcome.message
    assert words in outcome.message
    if reason is Reason.MEMORY:
        # Sampled every 50 ms: it passes its limit, but not by far.
        assert outcome.peak_memory is not None and 150 * MIB < outcome.peak_memory < 1500 * MIB
    pid = next(message["pid"] for message in followed.heard if message["kind"] == "started")
    assert procfs.started(pid) is None


async def test_a_hanging_fork_does_not_keep_a_job(follow: Any, order: Any, log: Any) -> None:
    source = (
        "import os, time\npid = os.fork()\nif pid == 0:\n  os.setsid()\n  while True: time.sleep(1)\n"
        "print(pid, flush=True)\ndone = 1"
    )
    asked = order(source)
    outcome = await (await follow(asked)).outcome()
    assert outcome.state is AttemptState.SUCCEEDED
    assert procfs.started(int(log(asked.id))) is None


async def test_descriptors_that_a_cell_keeps_do_not_spoil_its_outputs(follow: Any, order: Any) -> None:
    source = (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "_kept = []\ntry:\n  while True: _kept.append(open('/dev/null'))\nexcept OSError: count = len(_kept)"
    )
    outcome = await (await follow(order(source, outputs=["count"]))).outcome()
    assert outcome.state is AttemptState.SUCCEEDED, outcome.message


async def test_an_output_for_which_the_disk_has_no_room(follow: Any, order: Any) -> None:
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\nimport numpy\nx = numpy.ones(1000)"
    outcome = await (await follow(order(source, outputs=["x"]))).outcome()
    assert (outcome.state, outcome.reason) == (AttemptState.FAILED, Reason.OUTPUT)
    assert "'x'" in outcome.message and "too large" in outcome.message


async def test_binary_and_coloured_output_is_kept(follow: Any, order: Any, log: Any) -> None:
    source = (
        "import os, sys\nos.write(1, bytes(range(256)))\nprint('\\x1b[31mred\\x1b[0m \\ud800', flush=True)\n"
        "os.write(1, 'é'.encode()[:1]); sys.stdout.flush(); os.write(1, 'é'.encode()[1:])"
    )
    asked = order(source)
    assert (await (await follow(asked)).outcome()).state is AttemptState.SUCCEEDED
    text = log(asked.id)
    assert "\x00\x01" in text and "\x1b[31mred\x1b[0m \\ud800" in text and text.endswith("é")


async def _memory(place: Any) -> int:
    hello = await ask(place, {"op": "hello"})
    assert hello is not None
    return procfs.private_memory(hello["pid"])


async def test_a_gigabyte_of_output(follow: Any, order: Any, blobs: Any, place: Any, bystander: None) -> None:
    before = await _memory(place)
    source = "import os\nline = b'x' * 1023 + b'\\n'\nfor _ in range(1024): os.write(1, line * 1024)\nprint('the end')"
    asked = order(source, memory=200 * MIB)
    begun = time.monotonic()
    followed = await follow(asked)
    outcome = await followed.outcome()
    took = time.monotonic() - begun
    assert outcome.state is AttemptState.SUCCEEDED, outcome
    assert await _memory(place) - before < 64 * MIB
    lines = [json.loads(line) for key in blobs.list(f"attempts/{asked.id}/log") for line in blobs.get(key).splitlines()]
    size = sum(len(line["x"]) for line in lines)
    assert 256 * MIB < size < 257 * MIB
    text = "".join(line["x"] for line in lines[-20:])
    assert "767.9 MiB of output were left out here." in text and text.endswith("the end\n")
    # What travels is a number twice a second.
    assert len([message for message in followed.heard if message["kind"] == "log"]) <= 2 * took + 3
    print(f"1 GiB of output: {took:.1f} s, {len(blobs.list(f'attempts/{asked.id}/log'))} chunks")


async def test_a_million_metrics(follow: Any, order: Any, blobs: Any, log: Any, place: Any, bystander: None) -> None:
    before = await _memory(place)
    asked = order("for step in range(1_000_010): slml.log(step, loss=step)\nfor n in range(600): slml.log(**{f'm{n}': n})")
    begun = time.monotonic()
    followed = await follow(asked)
    heard = await followed.until("ended", deadline=120)
    took = time.monotonic() - begun
    metrics = heard["outcome"]["metrics"]
    assert metrics["loss"] == 1_000_009 and len(metrics) == 500
    points = sum(len(blobs.get(key).splitlines()) for key in blobs.list(f"attempts/{asked.id}/metrics"))
    assert points == 1_000_000
    assert "were left out: the first 1000000 of an attempt are kept" in log(asked.id)
    assert "at most 500 metrics" in log(asked.id)
    assert await _memory(place) - before < 64 * MIB
    assert len([message for message in followed.heard if message["kind"] == "progress"]) <= 2 * took + 3
    print(f"1,000,610 metrics: {took:.1f} s")


async def test_the_working_directory_may_go(follow: Any, order: Any, bystander: None) -> None:
    source = "import os, shutil\nshutil.rmtree(os.path.dirname(os.getcwd()))\nx = 1"
    outcome = await (await follow(order(source))).outcome()
    # The whole scratch directory is gone, and with it the place of outputs: said, not crashed.
    assert outcome.state is AttemptState.SUCCEEDED and "x" in outcome.skipped, outcome

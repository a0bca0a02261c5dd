"""What a forked child is like, and that nothing it starts survives it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_slml.compute import procfs

pytestmark = pytest.mark.anyio

#: Starts one of each kind that escapes a process group and writes their pids.
ESCAPE = """
import os, subprocess, sys, time
os.setpgid(0, 0) if os.getpgid(0) != os.getpid() else None
session = subprocess.Popen(["sleep", "1000"], start_new_session=True)
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
    os.write(write, str(pid).encode())
    os._exit(0)
os.wait()
print(session.pid, os.read(read, 100).decode(), flush=True)
"""


async def test_a_child_runs_in_its_own_session_with_its_own_streams(probe: Any, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "print(os.getsid(0) == os.getpid(), os.getcwd(), repr(sys.stdin.read()), os.environ['X'])\n"
        "print(os.environ['OMP_NUM_THREADS'], len(os.listdir('/proc/self/task')))\n"
        "sys.stderr.write('err\\n'); os.write(messages, b'm'); code = 7"
    )
    forked = await probe(code, env={"X": "1"}, cwd=tmp_path, threads=2)
    ended = await forked.child.wait()
    assert await forked.text() == f"True {tmp_path} '' 1\n2 1\nerr\n"
    assert os.read(forked.messages, 10) == b"m"
    assert (ended["code"], ended["reason"]) == (7, None)


async def test_children_draw_their_own_random_numbers(probe: Any) -> None:
    code = "import random, numpy; print(random.random(), numpy.random.rand())"
    texts = {await (await probe(code)).text() for _ in range(3)}
    assert len(texts) == 3


async def test_openmp_uses_the_threads_allotted(probe: Any) -> None:
    code = (
        "import numpy, xgboost, os\n"
        "X = numpy.random.rand(2000, 10); y = X[:, 0] > .5\n"
        "xgboost.train({'objective': 'binary:logistic'}, xgboost.DMatrix(X, y), 3)\n"
        "print(len(os.listdir('/proc/self/task')))"
    )
    assert await (await probe(code, threads=1)).text() == "1\n"
    assert int(await (await probe(code, threads=2)).text()) >= 2


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os; os._exit(3)", 3),
        ("import sys; sys.exit(4)", 4),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
        ("raise ValueError('x')", 1),
        ("import os; os.closerange(0, 100)", 0),
        ("import os, signal; os.kill(0, signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getppid(), signal.SIGTERM)", 0),
    ],
)
async def test_the_exit_code_is_exact_and_the_zygote_lives(probe: Any, code: str, expected: int) -> None:
    zygote = probe.zygotes.pid
    assert (await (await probe(code)).child.wait())["code"] == expected
    assert (await (await probe("code = 5")).child.wait())["code"] == 5
    assert probe.zygotes.pid == zygote


async def test_a_gated_child_waits(probe: Any) -> None:
    forked = await probe("print('ran')", gate=True)
    os.set_blocking(forked.out, False)
    with pytest.raises(BlockingIOError):
        os.read(forked.out, 1)
    os.set_blocking(forked.out, True)
    forked.child.go()
    assert await forked.text() == "ran\n"


async def test_a_gated_child_that_is_let_go_runs_nothing(probe: Any) -> None:
    forked = await probe("print('ran')", gate=True)
    forked.child.release()
    assert await forked.text() == ""


async def _pids(forked: Any) -> list[int]:
    import asyncio

    line = b""
    while not line.endswith(b"\n"):
        line += await asyncio.to_thread(os.read, forked.out, 100)
    return [forked.child.pid, *(int(word) for word in line.split())]


@pytest.mark.parametrize("how", ["ends", "stop", "release", "segfault"])
async def test_nothing_survives(probe: Any, until: Any, how: str) -> None:
    tail = {"ends": "code = 9", "segfault": "import ctypes; ctypes.string_at(0)"}.get(how, "time.sleep(1000)")
    forked = await probe(ESCAPE + tail)
    pids = await _pids(forked)
    if how == "stop":
        ended = await forked.child.stop(0.1)
        assert (ended["code"], ended["reason"]) == (-signal.SIGTERM, "stop")
    elif how == "release":
        forked.child.release()
    else:
        assert (await forked.child.wait())["code"] == (9 if how == "ends" else -signal.SIGSEGV)
    await until(lambda: all(procfs.started(pid) is None for pid in pids))


async def test_a_killed_keeper_takes_the_child_along(probe: Any, until: Any) -> None:
    forked = await probe("import time; time.sleep(1000)")
    procfs.kill(forked.child.keeper)
    assert (await forked.child.wait())["reason"] == "lost"
    await until(lambda: procfs.started(forked.child.pid) is None)


async def test_a_killed_zygote_leaves_its_children_and_is_replaced(probe: Any, until: Any) -> None:
    forked = await probe("import time; time.sleep(1000)")
    zygote = probe.zygotes.pid
    procfs.kill(zygote)
    await until(lambda: probe.zygotes.pid != zygote)
    assert (await (await probe("code = 2")).child.wait())["code"] == 2
    assert procfs.started(forked.child.pid) is not None
    assert (await forked.child.stop(0))["code"] == -signal.SIGKILL


async def test_grace_is_given_and_ends(probe: Any) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(1000)"
    forked = await probe(stubborn)
    await _pids(forked)
    begun = time.monotonic()
    ended = await forked.child.stop(0.3, "stop")
    assert ended["code"] == -signal.SIGKILL
    assert 0.25 < time.monotonic() - begun < 10

    tidy = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(6)); print(1, flush=True); time.sleep(1000)"
    forked = await probe(tidy)
    await _pids(forked)
    assert (await forked.child.stop(30))["code"] == 6


async def test_deadline_and_memory_limit_have_reasons(probe: Any) -> None:
    ended = await (await probe("import time; time.sleep(1000)", timeout=0.2)).child.wait()
    assert ended["reason"] == "timeout"
    hog = "import time; x = []\nwhile True: x.append(bytearray(2**20)); time.sleep(.001)"
    ended = await (await probe(hog, memory=50 * 2**20)).child.wait()
    assert ended["reason"] == "memory"
    assert 50 * 2**20 < ended["peak_memory"] < 300 * 2**20


async def test_memory_of_descendants_counts_and_shared_pages_count_once(probe: Any) -> None:
    shared = (
        "import os, time; x = bytearray(os.urandom(2**20)) * 60\n"
        "[os.fork() or (time.sleep(.3), os._exit(0)) for _ in range(3)]\n"
        "time.sleep(.5)\n"
    )
    assert (await (await probe(shared, memory=200 * 2**20)).child.wait())["reason"] is None
    apart = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(2**28); input()'], stdin=-1)"
    assert (await (await probe(apart, memory=100 * 2**20)).child.wait())["reason"] == "memory"


async def test_a_child_costs_little_and_begins_soon(probe: Any) -> None:
    """The numbers are printed with -s; the bounds are loose, for the machine may be busy."""
    delays, memory = [], []
    for _ in range(10):
        begun = time.time()
        forked = await probe("import time; print(time.time()); time.sleep(.1)")
        delays.append(float((await forked.text()).strip()) - begun)
    forked = await probe("import time; print(1, flush=True); time.sleep(1000)")
    await _pids(forked)
    memory = _private(forked.child.pid), _private(forked.child.keeper)
    print("first line ms", sorted(round(1000 * delay, 1) for delay in delays), "private KiB", memory)
    assert min(delays) < 0.25
    assert memory[0] < 32 * 1024


def _private(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))

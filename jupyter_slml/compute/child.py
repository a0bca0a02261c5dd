"""A forked child, from the fork to the program that it runs.

It has a session of its own, reads /dev/null, writes into the pipes it was given, draws its own random numbers, and may use
the threads it was allotted. It dies with its keeper.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_slml.compute import procfs
from jupyter_slml.compute.leaving import exit_code, leave

if TYPE_CHECKING:
    from jupyter_slml.compute.zygote import Program


def become(link: socket.socket, programs: Mapping[str, Program], keeper: int) -> NoReturn:
    """Wait at `link` for the request, turn this fork into the child that it describes and run it. Never returns."""
    code = 1
    try:
        _stand_alone(keeper)
        request, fds = _receive(link)
        messages = _streams(fds)
        set_threads(int(request["limits"]["threads"]))
        os.environ.update(request["env"])
        if request["cwd"]:
            os.chdir(request["cwd"])
        _reseed()
        for gate in fds[3:]:
            if os.read(gate, 1) != b"g":
                os._exit(1)
            os.close(gate)
        code = programs[request["program"]](request["payload"], messages) or 0
    except SystemExit as leaving:
        code = exit_code(leaving)
    except BaseException:
        traceback.print_exc()
    finally:
        leave(code)


def _stand_alone(keeper: int) -> None:
    """Session and signals."""
    procfs.die_with_parent(keeper)
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # When the host runs out of memory, the kernel shall take the cell and not the worker.
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")
    os.umask(0o077)


def _receive(link: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The request; leaves when the keeper has none."""
    first, fds, _, _ = socket.recv_fds(link, 1, 8, socket.MSG_CMSG_CLOEXEC)
    parts = [first]
    while parts[-1] and not parts[-1].endswith(b"\n"):
        parts.append(link.recv(1 << 20))
    link.close()
    if not parts[-1]:
        os._exit(1)
    return json.loads(b"".join(parts)), list(fds)


def _streams(fds: list[int]) -> int:
    """Standard streams: /dev/null and the pipes that came. Returns the messages fd."""
    for target, fd in ((1, fds[0]), (2, fds[1])):
        os.dup2(fd, target)
        os.close(fd)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    return fds[2]


def set_threads(count: int) -> None:
    """The libraries were loaded with one thread; environment variables reach only what the child execs."""
    os.environ.update(
        OMP_NUM_THREADS=str(count),
        OPENBLAS_NUM_THREADS=str(count),
        MKL_NUM_THREADS=str(count),
        OMP_WAIT_POLICY="PASSIVE",
    )
    if count > 1:
        import threadpoolctl

        threadpoolctl.threadpool_limits(count, user_api="openmp")
        arrow = sys.modules.get("pyarrow")
        if arrow is not None:
            arrow.set_cpu_count(count)


def _reseed() -> None:
    """Else every child would draw the same numbers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()

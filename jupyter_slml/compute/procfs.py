"""What /proc and prctl know of processes: descendants, memory, identity, the marker of a runner.

Nothing here raises for a process that is gone: it has no children, no memory and no marker.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)

#: Environment variable that every process under a runner carries from its exec on: `<workspace>/<runner>`.
MARKER = "SLML_RUNNER"


def become_subreaper() -> None:
    """From now on orphans among our descendants become our children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int | None) -> None:
    """SIGKILL for this process when `parent` dies (at once when it is dead already). None: no longer."""
    _prctl(_PR_SET_PDEATHSIG, 0 if parent is None else signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def children(pid: int) -> list[int]:
    """Direct children, zombies too, of all threads of `pid`."""
    found: list[int] = []
    try:
        threads = [entry.name for entry in os.scandir(f"/proc/{pid}/task")]
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(int(word) for word in file.read().split())
        except OSError:
            continue
    return found


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents first."""
    found = children(pid)
    for child in found:
        found.extend(children(child))
    return found


def private_memory(pid: int) -> int:
    """Resident bytes that belong to no file, shared memory included: a mapped input is page cache and free (60 µs)."""
    total = 0
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith((b"RssAnon:", b"RssShmem:")):
                    total += int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return 0
    return total


def proportional_memory(pid: int) -> int:
    """As `private_memory`, with pages that several forked processes share counted once among them (3.6 ms)."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return 0
    return total


def started(pid: int) -> int | None:
    """Start time in clock ticks since boot: with the pid, the identity of a process. None for the dead and for zombies."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def marker(pid: int) -> str | None:
    """The marker in the environment that `pid` had at its exec."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            block = file.read()
    except OSError:
        return None
    wanted = f"{MARKER}=".encode()
    found = next((item for item in block.split(b"\0") if item.startswith(wanted)), None)
    return None if found is None else found.removeprefix(wanted).decode(errors="replace")


def marked(prefix: str) -> Iterator[tuple[int, str]]:
    """(pid, marker) of every other living process of ours whose marker starts with `prefix`."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            found = marker(int(entry.name))
            if found is not None and found.startswith(prefix) and started(int(entry.name)) is not None:
                yield int(entry.name), found


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal one process; a dead one is no error."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def sweep(prefix: str, spare: Collection[str] = ()) -> int:
    """Kill whatever dead runners left: all that is marked with `prefix` and by none of `spare`. Returns how many."""
    killed: set[int] = set()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = {pid for pid, found in marked(prefix) if found not in spare}
        if not left:
            break
        for pid in left:
            kill(pid)
        if left <= killed:
            time.sleep(0.01)
        killed |= left
    return len(killed)

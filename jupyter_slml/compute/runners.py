"""The runners of this host and workspace: the present one, and older ones that end what they have begun.

The present runner holds `runner.lock` and listens at `runner.sock`. When a newer package meets it, it *retires*: it gives up
both, takes no new order, goes on with those that it has at `<id>.sock`, and leaves with the last. Every runner holds
`<id>.lock` as long as it lives. Locks are made and cleared away only by whoever holds `runner.lock`.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK, SOCKET = "runner.lock", "runner.sock"


def hold(path: Path) -> int:
    """Take a lock and return its descriptor, which frees it when it is closed or its process dies.

    Raises BlockingIOError when somebody else has it.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    return lock


def held(path: Path) -> bool:
    """Whether somebody has the lock."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def own_lock(run: Path, runner: str) -> Path:
    return run / f"{runner}.lock"


def own_socket(run: Path, runner: str) -> Path:
    """Where a retired runner listens."""
    return run / f"{runner}.sock"


def living(run: Path) -> set[str]:
    """Ids of all runners that live."""
    return {path.stem for path in run.glob("runner-*.lock") if held(path)}


def retired(run: Path) -> list[Path]:
    """Sockets of the retired ones; dead ones among them refuse to be connected to."""
    return sorted(run.glob("runner-*.sock"))


def clear_dead(run: Path) -> set[str]:
    """Delete the locks and sockets of dead runners; returns the ids of the living. For the holder of `runner.lock` alone."""
    alive = living(run)
    for path in [*run.glob("runner-*.*"), *run.glob("zygote-*.sock")]:
        if path.stem.removeprefix("zygote-") not in alive:
            path.unlink(missing_ok=True)
    return alive

"""The keeper: parent, guard and gravedigger of one child.

It is the subreaper of everything the child starts, so nothing escapes by a new session or a double fork. It ends all of it
when the child has ended, on request, at the deadline, over the memory limit, and when its connection closes: whoever asked
for the child is gone then.

A fork of the zygote takes 4 to 5 ms, nearly all of it page tables. So a keeper forks its child before anybody asks, and the
zygote holds one such pair ready: a request finds both forks done.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_slml.compute import child, procfs

if TYPE_CHECKING:
    from jupyter_slml.compute.zygote import Program

#: Seconds between two looks at the memory: at 50 ms a process that allocates flat out passes its limit by about 50 MB.
POLL = 0.05
#: How long a client may take to send its request.
REQUEST_TIMEOUT = 10.0
#: How long a process in uninterruptible sleep may resist SIGKILL before we report without it.
KILL_TIMEOUT = 10.0


class Keeper:
    """Runs in its own process, from the fork to `os._exit`."""

    def __init__(self, listener: socket.socket, taken: int, programs: Mapping[str, Program]) -> None:
        self.listener = listener
        self.taken = taken
        self.programs = programs
        self.connection: socket.socket | None = None
        self.pid = 0
        self.code: int | None = None
        self.reason: str | None = None
        self.cpu = 0.0
        self.memory = 0
        self.peak = 0
        self.origin = 0
        self.killed_at: float | None = None
        self.timeout: float | None = None
        self.deadline: float | None = None
        self.pending = b""

    def run(self) -> NoReturn:
        """Wait for one connection and serve it to its end. Never returns and never raises: both would enter the zygote's
        frames."""
        try:
            self._serve()
        except BaseException as error:
            self._say({"failed": f"{type(error).__name__}: {error}"})
        finally:
            self._bury()
            os._exit(0)

    def _serve(self) -> None:
        zygote, own = os.getppid(), os.getpid()
        procfs.die_with_parent(zygote)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        procfs.become_subreaper()
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            signal.set_wakeup_fd(-1)
            for fd in (wake_read, wake_write, self.taken):
                os.close(fd)
            self.listener.close()
            ours.close()
            child.become(theirs, self.programs, own)
        theirs.close()
        self.connection = self._accept(wake_read)
        begun = time.monotonic()
        request = self._hand_over(self.connection, ours)
        ours.close()
        limits = request["limits"]
        self.origin = procfs.private_memory(self.pid)
        self._say({"started": self.pid, "keeper": own, "at": time.time()})
        self.memory = int(limits["memory"])
        self.timeout = None if limits["timeout"] is None else float(limits["timeout"])
        if self.timeout is not None and not request["gate"]:
            self.deadline = begun + self.timeout
        self._watch(float(limits["grace"]), wake_read)
        self._bury()
        self._say(
            {
                "ended": {
                    "code": self.code,
                    "reason": self.reason,
                    "peak_memory": self.peak,
                    "cpu_seconds": round(self.cpu, 3),
                    "at": time.time(),
                }
            }
        )

    def _accept(self, wake: int) -> socket.socket:
        """Wait for a client. From then on we outlive the zygote. Raises ChildProcessError when the child dies first."""
        asked = self.listener.fileno()
        readable: list[int] = []
        while asked not in readable:
            readable, _, _ = select.select([asked, wake], [], [])
            if wake in readable:
                os.read(wake, 4096)
                self._reap()
            if self.code is not None:
                raise ChildProcessError("the child that was held ready died")
        connection, _ = self.listener.accept()
        procfs.die_with_parent(None)
        os.write(self.taken, b"t")
        os.close(self.taken)
        self.listener.close()
        return connection

    def _hand_over(self, connection: socket.socket, ours: socket.socket) -> dict[str, Any]:
        """Pass the request and its descriptors on to the child. Raises PermissionError for another user, TimeoutError,
        ValueError."""
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", peer)[1] != os.getuid():
            raise PermissionError("the request came from another user")
        connection.settimeout(REQUEST_TIMEOUT)
        data, fds, flags, _ = socket.recv_fds(connection, 1 << 20, 8, socket.MSG_CMSG_CLOEXEC)
        if flags & socket.MSG_CTRUNC or len(fds) not in (3, 4):
            raise ValueError("stdout, stderr and messages must come with the request")
        socket.send_fds(ours, [data[:1]], fds)
        for fd in fds:
            os.close(fd)
        ours.sendall(data[1:])
        parts = [data]
        while data and not data.endswith(b"\n"):
            data = connection.recv(1 << 20)
            ours.sendall(data)
            parts.append(data)
        connection.setblocking(False)
        request: dict[str, Any] = json.loads(b"".join(parts))
        return request

    def _watch(self, grace: float, wake: int) -> None:
        """Return when the child has ended or everything has to."""
        assert self.connection is not None
        poller = select.poll()
        poller.register(self.connection, select.POLLIN)
        poller.register(wake, select.POLLIN)
        while self.code is None:
            now = time.monotonic()
            if self.deadline is not None and now >= self.deadline and self.reason is None:
                self._end("timeout", grace)
            if self.killed_at is not None and now >= self.killed_at:
                self._bury()
                return
            for fd, _ in poller.poll(POLL * 1000):
                if fd == wake:
                    os.read(wake, 4096)
                    self._reap()
                elif not self._obey():
                    self._end("lost", 0)
                    return
            if self.code is None:
                self._measure()

    def _obey(self) -> bool:
        """Carry out what the client says; False when it is gone."""
        assert self.connection is not None
        try:
            data = self.connection.recv(65536)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        if not data:
            return False
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "signal" in message:
                procfs.kill(self.pid, int(message["signal"]))
            if "go" in message and self.timeout is not None:
                self.deadline = time.monotonic() + self.timeout
            if "stop" in message:
                self._end(str(message["stop"]["reason"]), float(message["stop"]["grace"]))
        return True

    def _end(self, reason: str, grace: float) -> None:
        """SIGTERM to everything now, SIGKILL after `grace`. The first reason stays; a shorter grace hastens."""
        first = self.reason is None
        self.reason = self.reason or reason
        due = time.monotonic() + grace
        self.killed_at = due if self.killed_at is None else min(due, self.killed_at)
        if first and grace > 0:
            for pid in procfs.descendants(os.getpid()):
                procfs.kill(pid, signal.SIGTERM)
                # A stopped process would never see it.
                procfs.kill(pid, signal.SIGCONT)

    def _measure(self) -> None:
        pids = procfs.descendants(os.getpid())
        used = sum(procfs.private_memory(pid) for pid in pids) - self.origin
        if used > self.memory and len(pids) > 1:
            # Forked processes share pages, which that sum counts several times.
            # The keeper itself has its share of the zygote's pages and nothing else.
            share = procfs.proportional_memory(os.getpid())
            used = sum(procfs.proportional_memory(pid) for pid in pids) - share
        self.peak = max(self.peak, used)
        if used > self.memory:
            self.reason = self.reason or "memory"
            self.killed_at = time.monotonic()

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.cpu += usage.ru_utime + usage.ru_stime
            if pid == self.pid:
                self.code = os.waitstatus_to_exitcode(status)

    def _bury(self) -> None:
        """SIGKILL until nothing is left."""
        until = time.monotonic() + KILL_TIMEOUT
        pause = 0.0005
        while (left := procfs.descendants(os.getpid())) and time.monotonic() < until:
            for pid in left:
                procfs.kill(pid)
            self._reap()
            if procfs.children(os.getpid()):
                time.sleep(pause)
                pause = min(pause * 2, 0.02)
        self._reap()

    def _say(self, message: dict[str, Any]) -> None:
        if self.connection is None:
            return
        try:
            self.connection.settimeout(5)
            self.connection.sendall(json.dumps(message).encode() + b"\n")
            self.connection.setblocking(False)
        except OSError:
            return

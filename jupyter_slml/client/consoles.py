"""Consoles on live replicas: the daemon opens them, Jupyter's own protocol speaks through them."""

from __future__ import annotations

import atexit
import contextlib
import getpass
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_slml.client.transport import Transport
from jupyter_slml.domain.specs import ConsoleSpec
from jupyter_slml.domain.views import ConsoleView
from jupyter_slml.errors import SlmlError, Unavailable

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

#: Seconds that an endpoint may take to wake, and a replica to spare another.
OPEN_TIME = 90.0
#: Seconds that a kernel may take to answer: it comes up behind its replica.
READY_TIME = 30.0
#: Seconds of a silent heart after which a kernel is gone.
SILENCE = 5.0

#: Called with each message's type and content.
Hear = Callable[[str, Mapping[str, Any]], None]


class Consoles:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(self, name: str, *, replica: str | None = None, drain: bool = False) -> Console:
        """Open a console on a replica of an endpoint, which is woken when it sleeps; whoever opens it closes it.

        Raises NotFound, Invalid, Conflict, Unavailable.
        """
        spec = ConsoleSpec.parse({"replica": replica, "drain": drain, "by": _me()})
        return Console(self, self.ask(name, spec), spec)

    def ask(self, name: str, spec: ConsoleSpec) -> ConsoleView:
        body = spec.model_dump(mode="json")
        return self._transport.record(ConsoleView, "POST", _path(name), json=body, timeout=OPEN_TIME)

    def close(self, name: str, key: str) -> None:
        self._transport.request("DELETE", f"{_path(name)}/{key}")


class Console:
    """An open console. A thread asks for it again until it is closed; when this process dies, nobody does, and it ends."""

    def __init__(self, consoles: Consoles, view: ConsoleView, spec: ConsoleSpec) -> None:
        self.view = view
        #: Why it ended by itself; None while it is open.
        self.lost: SlmlError | None = None
        self._consoles = consoles
        self._spec = spec.evolve(replica=view.replica)
        self._client: BlockingKernelClient | None = None
        self._ready = False
        self._closed = threading.Event()
        # A process that ends in order need not wait for the lease.
        atexit.register(self.close)
        threading.Thread(target=self._keep, name=spec.key, daemon=True).start()

    @property
    def is_open(self) -> bool:
        return not self._closed.is_set() and self.lost is None

    def client(self) -> BlockingKernelClient:
        """Connected to the kernel, which has answered. Raises Unavailable when it does not."""
        client = self._connected()
        if not self._ready:
            try:
                client.wait_for_ready(timeout=READY_TIME)
            except RuntimeError as error:
                raise self._silent(f"did not answer within {READY_TIME:g} s") from error
            self._ready = True
        return client

    def _connected(self) -> BlockingKernelClient:
        from jupyter_client.blocking.client import BlockingKernelClient

        if self._client is None:
            self._client = BlockingKernelClient(connection_file=self.view.connection_file)
            self._client.load_connection_file()
            self._client.start_channels()
        return self._client

    def run(self, code: str, hear: Hear) -> None:
        """Run code in the kernel, and return when it is done; `hear` gets its outputs, errors included. An interrupt here is
        one there. Raises Unavailable when the kernel ends meanwhile."""
        client = self.client()
        sent = client.execute(code, allow_stdin=False)
        try:
            self._listen(client, sent, hear)
        except KeyboardInterrupt:
            self.interrupt()
            self._listen(client, sent, hear)

    def interrupt(self) -> None:
        """Interrupt what the kernel runs, for whomever."""
        client = self._connected()
        client.control_channel.send(client.session.msg("interrupt_request", content={}))

    def close(self) -> None:
        """End it: a replica that was drained for it takes requests again. The replica goes on."""
        if not self._closed.is_set():
            self._closed.set()
            atexit.unregister(self.close)
            if self._client is not None:
                self._client.stop_channels()
            with contextlib.suppress(SlmlError):
                self._consoles.close(self.view.endpoint, self.view.key)

    def _listen(self, client: BlockingKernelClient, sent: str, hear: Hear) -> None:
        beaten = time.monotonic()
        while True:
            try:
                message = client.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                if client.hb_channel.is_beating():
                    beaten = time.monotonic()
                elif time.monotonic() - beaten > SILENCE:
                    raise self._silent("ended") from None
                continue
            if message["parent_header"].get("msg_id") != sent:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return
            hear(message["msg_type"], content)

    def _silent(self, what: str) -> SlmlError:
        return Unavailable(
            f"The kernel of {self.view.replica} {what}.",
            field="replica",
            value=self.view.replica,
            remedy="It may be busy with another console: --interrupt ends that. Or its replica has ended: open another.",
        )

    def _keep(self) -> None:
        failed = 0
        while not self._closed.wait(self.view.lease / 3):
            try:
                self._consoles.ask(self.view.endpoint, self._spec)
                failed = 0
            except Unavailable as error:
                failed += 1
                if failed >= 3:
                    self.lost = error
            except SlmlError as error:
                self.lost = error
                return


def _path(name: str) -> str:
    return f"/endpoints/{quote(name, safe='')}/console"


def _me() -> str:
    """Who opens it: the user of this kernel or shell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""

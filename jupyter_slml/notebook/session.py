"""What one kernel has of the platform: its shell, its connection (made at the first need) and its live displays."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_slml.notebook.config import WARN_BYTES
from jupyter_slml.notebook.surroundings import Surroundings, look_around

if TYPE_CHECKING:
    from jupyter_slml.client import Client
    from jupyter_slml.client.consoles import Console
    from jupyter_slml.notebook.handle import JobHandle
    from jupyter_slml.notebook.live import Live


#: Seconds for which the instance types of a completion count as known.
_FRESH = 30.0


class Session:
    """`shell` is IPython's; None in a plain script, where `__main__` is the namespace."""

    def __init__(self, shell: Any = None) -> None:
        self.shell = shell
        #: The handle of the job that was submitted last.
        self.last: JobHandle | None = None
        #: Large values that have been captured: name and identity.
        self.sent: set[tuple[str, int]] = set()
        #: The notebook's consoles, by endpoint.
        self.consoles: dict[str, Console] = {}
        #: See `config`.
        self.warn_bytes = WARN_BYTES
        self._client: Client | None = None
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._types: list[str] = []
        self._types_at = -math.inf

    @property
    def client(self) -> Client:
        """The connection; starts the daemon when none runs."""
        from jupyter_slml.client import connect

        with self._lock:
            if self._client is None:
                self._client = connect(start=True)
            return self._client

    @property
    def live(self) -> Live:
        """The one event reader of this kernel."""
        from jupyter_slml.notebook.live import Live

        client = self.client
        with self._lock:
            if self._live is None:
                self._live = Live(client)
            return self._live

    def instances(self) -> list[str]:
        """Names of the instance types, for completion: the running daemon's, else our own. Starts and waits for nothing."""
        from jupyter_slml.client import connect
        from jupyter_slml.client.start import running
        from jupyter_slml.domain.instances import INSTANCE_TYPES
        from jupyter_slml.errors import SlmlError
        from jupyter_slml.settings import workspace

        if time.monotonic() - self._types_at > _FRESH:
            self._types_at, self._types = time.monotonic(), list(INSTANCE_TYPES)
            with contextlib.suppress(SlmlError, OSError):
                place = workspace()
                if place.daemon_file.exists() and running(place) is not None:
                    client = connect(start=False)
                    self._types = [kind.name for kind in client.instances()]
                    client.close()
        return self._types

    @property
    def namespace(self) -> dict[str, Any]:
        return vars(sys.modules["__main__"]) if self.shell is None else self.shell.user_ns

    @property
    def hidden(self) -> dict[str, Any]:
        return {} if self.shell is None else self.shell.user_ns_hidden

    @property
    def surroundings(self) -> Surroundings:
        if self.shell is None:
            return Surroundings("headless", "a script", Path(sys.argv[0]) if sys.argv and sys.argv[0] else None)
        return look_around(self.shell)

    def close(self) -> None:
        """Leave: jobs go on, displays stay as they are."""
        for console in self.consoles.values():
            console.close()
        self.consoles.clear()
        if self._live is not None:
            self._live.close()
        if self._client is not None:
            self._client.close()
        self._live = self._client = None

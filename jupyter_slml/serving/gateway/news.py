"""What the daemon must hear of: replicas that this gateway has had started or put into rotation, and those that hang.

Everything is kept until the daemon says that it is in its records. Whoever asks for news is answered when there is some: at
once for a replica that hangs; for one that was woken a moment after it answers, so that those who waited for it are served
first, and in any case after a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_slml.serving.gateway.pool import Pool

#: The most that are remembered.
REMEMBERED = 1000
#: Seconds after a replica has answered, and after one was asked for.
SOON, LATE = 0.1, 2.0

Told = Callable[[], None]


class News:
    """Woken and hanging replicas by id, and who listens."""

    def __init__(self) -> None:
        self.woken: dict[str, dict[str, Any]] = {}
        self.hung: dict[str, dict[str, Any]] = {}
        self._listeners: dict[object, Told] = {}

    def wakes(self, pool: Pool, replica: str, state: str, *, standby: bool = False) -> None:
        """A replica was asked for, or a standby was put into rotation."""
        _remember(self.woken, replica, {**_told(pool, replica), "ready_at": None, "state": state, "standby": standby})
        self._tell_in(LATE if state == "starting" else SOON)

    def note(self, replica: str, state: str) -> None:
        """What became of a replica that was asked for: `ready` or `failed`."""
        if replica in self.woken:
            self.woken[replica] |= {"state": state, "ready_at": time.time() if state == "ready" else None}
            self._tell_in(SOON)

    def forget(self, replica: str) -> None:
        """There was nothing after all."""
        self.woken.pop(replica, None)

    def hangs(self, pool: Pool, replica: str) -> None:
        _remember(self.hung, replica, _told(pool, replica))
        self._tell()

    def taken(self, replicas: list[str]) -> None:
        """The daemon has these in its records."""
        for replica in replicas:
            self.woken.pop(replica, None)
            self.hung.pop(replica, None)

    def listen(self, who: object, then: Told) -> None:
        """Call `then` once, when there is news that nobody has taken."""
        self._listeners[who] = then
        if self.woken or self.hung:
            self._tell_in(SOON)

    def leave(self, who: object) -> None:
        self._listeners.pop(who, None)

    def _tell_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._tell)

    def _tell(self) -> None:
        if self.woken or self.hung:
            listeners, self._listeners = self._listeners, {}
            for then in listeners.values():
                then()


def _told(pool: Pool, replica: str) -> dict[str, Any]:
    return {"endpoint": pool.endpoint.name, "revision": pool.revision, "replica": replica, "at": time.time()}


def _remember(memory: dict[str, dict[str, Any]], replica: str, value: dict[str, Any]) -> None:
    memory[replica] = value
    while len(memory) > REMEMBERED:
        del memory[next(iter(memory))]

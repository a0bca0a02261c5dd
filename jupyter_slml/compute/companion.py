"""What an attempt of a kind of its own (tuning, batch) adds to the supervision that every attempt has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from jupyter_slml.compute.supervisor import Message
from jupyter_slml.domain.orders import Limits


class Companion(Protocol):
    """Made once per attempt, on the runner's event loop; only `prepare` may block."""

    #: Program of the zygote that runs in the child, and what the child may use.
    program: str
    limits: Limits

    def prepare(self) -> dict[str, Any]:
        """What the child's payload holds beyond a cell's. Called in a thread, again when the store cannot be reached."""

    def open(self, tell: Callable[[], None], waits: Callable[[str], None]) -> None:
        """The child runs. `tell` announces that something changed, `waits` what the store refuses now."""

    def hear(self, message: Message) -> None:
        """A message of a kind that a cell does not send. Must not raise."""

    async def close(self) -> None:
        """The child is gone: return when all that was heard is stored."""

    def found(self) -> dict[str, Any]:
        """Fields of the outcome, over those that the child's result has."""

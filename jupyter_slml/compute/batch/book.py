"""The runner's side of a batch attempt: keeps what is told of parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_slml.compute.chunks import Chunks
from jupyter_slml.compute.supervisor import Message, RunnerContext
from jupyter_slml.domain.orders import AttemptOrder, Limits


class PartBook:
    """Implements `companion.Companion`. The manifest beside the output is what counts; this is what people are shown."""

    program = "batch"

    def __init__(self, order: AttemptOrder, context: RunnerContext) -> None:
        self._order = order
        self._blobs = context.blobs
        assert order.spec.batch is not None
        self._spec = order.spec.batch
        # The host computes nothing, so that what it forks is clean; slots have the threads.
        self.limits: Limits = order.limits.evolve(threads=1)
        self._chunks: Chunks | None = None

    def prepare(self) -> dict[str, Any]:
        limits = self._order.limits
        return {
            "batch": {
                "spec": self._spec.model_dump(mode="json"),
                "parallel": self._spec.parallel or limits.threads,
                "threads": limits.threads,
                "memory": limits.memory,
            }
        }

    def open(self, tell: Callable[[], None], waits: Callable[[str], None]) -> None:
        self._chunks = Chunks(self._blobs, self._order.id, "parts", lambda sequence: tell())

    def hear(self, message: Message) -> None:
        if message.get("kind") == "part" and self._chunks is not None:
            self._chunks.add(message["record"])

    async def close(self) -> None:
        if self._chunks is not None:
            await self._chunks.close()

    def found(self) -> dict[str, Any]:
        return {}

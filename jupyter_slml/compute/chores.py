"""Work that is done beside the main line, and what may fail without harm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

logger = logging.getLogger(__name__)


class Chores:
    """Background tasks, held until they end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[None]] = set()

    def add(self, work: Awaitable[Any]) -> None:
        """Do something beside; what goes wrong in it is logged."""
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _logged(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception:
        logger.exception("a chore failed")


async def quietly(work: Awaitable[Any]) -> None:
    """Await what may fail because its other end is gone."""
    try:
        await work
    except Exception as error:
        logger.info("%s: %s", type(error).__name__, error)

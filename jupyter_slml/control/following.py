"""Endpoints that follow a moving reference: when it moves, they do."""

from __future__ import annotations

import asyncio
import logging

from jupyter_slml.control.bus import Bus
from jupyter_slml.control.endpoints import Endpoints
from jupyter_slml.errors import SlmlError

log = logging.getLogger(__name__)

#: After these a reference may mean another version: a bare name means the newest, or the newest approved one.
MOVES = ("model.transition", "model.registered", "model.deleted")
#: Seconds after which a look that could not be made is made again.
AGAIN = 5.0
#: Nothing moves a reference without an event: a look without one is a precaution.
LONGEST = 3600.0


class Following:
    def __init__(self, endpoints: Endpoints, bus: Bus) -> None:
        self._endpoints, self._bus = endpoints, bus

    async def run(self) -> None:
        """Work until cancelled. The first look finds what moved while no daemon ran."""
        while not self._bus.closed:
            moved = self._bus.listen(*MOVES)
            await moved.wait(LONGEST if await self._look() else AGAIN)

    async def _look(self) -> bool:
        """Have those whose reference has moved follow it; False when one could not be asked to."""
        try:
            for name in await asyncio.to_thread(self._endpoints.followers):
                await asyncio.to_thread(self._endpoints.follow, name)
        except SlmlError as error:
            log.warning("Following: %s Looking again in %.0f s.", error.message, AGAIN)
            return False
        except Exception:
            log.exception("Following failed; looking again in %.0f s", AGAIN)
            return False
        return True

"""What a runner owes the older ones beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from jupyter_slml.compute.gpus import Gpus
from jupyter_slml.compute.link import ask_at

#: Seconds between two questions for the GPUs that an older runner still uses.
LOOK = 1.0


async def leave_gpus(gpus: Gpus, elders: Iterable[Path]) -> asyncio.Task[None]:
    """Leave to the runners at these sockets the GPUs that they have given to their orders, until those end.

    Returns when none of them can be given away, with the task that takes back what becomes free.
    """
    withheld = {elder: gpus.withhold(await _taken(elder)) for elder in elders}

    async def take_back() -> None:
        while any(withheld.values()):
            await asyncio.sleep(LOOK)
            for elder, names in withheld.items():
                if names:
                    used = await _taken(elder)
                    await gpus.give_back([name for name in names if name not in used])
                    withheld[elder] = [name for name in names if name in used]

    return asyncio.create_task(take_back(), name="elders-gpus")


async def _taken(elder: Path) -> list[str]:
    return list(((await ask_at(elder, {"op": "hello"})) or {}).get("gpus", []))

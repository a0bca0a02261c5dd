"""The GPUs of a host: how many there are, and who has which."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_slml.errors import Unavailable

#: Says how many GPUs the host has, for one whose devices are not NVIDIA's or not all ours.
VARIABLE = "SLML_GPUS"
#: What CUDA reads; ours may be limited already.
VISIBLE = "CUDA_VISIBLE_DEVICES"


def present(environment: Mapping[str, str] | None = None, devices: Path = Path("/dev")) -> list[str]:
    """Names of the GPUs that jobs may use, as CUDA_VISIBLE_DEVICES spells them."""
    environment = os.environ if environment is None else environment
    if (given := environment.get(VARIABLE, "").strip()).isdigit():
        return [str(number) for number in range(int(given))]
    if (visible := environment.get(VISIBLE)) is not None:
        return [name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    numbers = [int(found[1]) for path in devices.glob("nvidia*") if (found := re.fullmatch(r"nvidia(\d+)", path.name))]
    return [str(number) for number in sorted(numbers)]


class Gpus:
    """Gives each GPU to one process tree at a time. Lives on one event loop."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._free = list(names)
        self.total = len(names)
        self._changed = asyncio.Condition()

    @property
    def taken(self) -> list[str]:
        return [name for name in self._names if name not in self._free]

    def withhold(self, names: Sequence[str]) -> list[str]:
        """Take these, as far as they are free: another runner has given them to its own. Returns them for `give_back`."""
        found = [name for name in names if name in self._free]
        self._free = [name for name in self._free if name not in found]
        return found

    async def take(self, count: int) -> list[str]:
        """Wait until so many are free. (Dask's resources see to it that they are; a killed cell needs a moment to let go.)

        Raises Unavailable when the host never had so many.
        """
        if count > self.total:
            raise Unavailable(f"{count} GPUs are asked for, and this host has {self.total}.")
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._free) >= count)
            taken, self._free = self._free[:count], self._free[count:]
            return taken

    async def give_back(self, names: Sequence[str]) -> None:
        async with self._changed:
            self._free = sorted([*self._free, *names], key=lambda name: (len(name), name))
            self._changed.notify_all()

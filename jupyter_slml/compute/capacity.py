"""What the workers have, and what of it is promised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_slml.domain.cluster import Host
from jupyter_slml.domain.instances import CPU_RESOURCE, GIB, GPU_RESOURCE, MEMORY_RESOURCE

#: Sums of fractions are compared with this much tolerance.
_ROUNDING = 1e-6

Resources = dict[str, float]


def _covers(have: Resources, wanted: Resources) -> bool:
    return all(have.get(name, 0.0) + _ROUNDING >= amount for name, amount in wanted.items())


def _take(have: Resources, wanted: Resources) -> None:
    for name, amount in wanted.items():
        have[name] = have.get(name, 0.0) - amount


@dataclass
class Capacity:
    """Workers by Dask address, with the resources they declare."""

    workers: dict[str, Resources] = field(default_factory=dict)
    #: What the workers of our own cluster will have, known before they are there.
    expected: Resources = field(default_factory=dict)

    def fits(self, wanted: Resources) -> str | None:
        """None when some worker could ever satisfy the request (or none is known yet), else what is too large."""
        offers = [*self.workers.values(), *([self.expected] if self.expected else [])]
        if not offers or any(_covers(offer, wanted) for offer in offers):
            return None
        parts = []
        for name, unit in ((CPU_RESOURCE, "CPUs"), (MEMORY_RESOURCE, "GiB of memory"), (GPU_RESOURCE, "GPUs")):
            largest = max(offer.get(name, 0.0) for offer in offers)
            if wanted.get(name, 0.0) > largest + _ROUNDING:
                parts.append(f"{wanted[name]:g} {unit} are asked for and the largest worker has {largest:.4g}")
        return ("; ".join(parts) or "no single worker has so many CPUs together with so much memory") + "."

    def slot(self, wanted: Resources, placed: Iterable[tuple[str | None, Resources]]) -> bool:
        """Whether a worker has room, given what is placed on which worker (None: submitted, place not known yet)."""
        free = self.free(placed)
        return any(_covers(left, wanted) for left in free.values())

    def free(self, placed: Iterable[tuple[str | None, Resources]]) -> dict[str, Resources]:
        """What each worker has left. Orders without a place are put where there is room for them."""
        free = {address: dict(resources) for address, resources in self.workers.items()}
        homeless = []
        for address, wanted in placed:
            if address in free:
                _take(free[address], wanted)
            else:
                homeless.append(wanted)
        for wanted in homeless:
            best = next((left for left in free.values() if _covers(left, wanted)), None)
            if best is not None:
                _take(best, wanted)
        return free

    def hosts(self, names: dict[str, str], placed: Iterable[tuple[str | None, Resources]]) -> list[Host]:
        free = self.free(placed)
        return [
            Host(
                address=address,
                name=names.get(address, address),
                cpus=resources.get(CPU_RESOURCE, 0.0),
                memory=int(resources.get(MEMORY_RESOURCE, 0.0) * GIB),
                free_cpus=max(0.0, free[address].get(CPU_RESOURCE, 0.0)),
                free_memory=max(0, int(free[address].get(MEMORY_RESOURCE, 0.0) * GIB)),
            )
            for address, resources in self.workers.items()
        ]

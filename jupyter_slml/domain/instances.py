"""Instance types: a named resource request with a price, and the catalogue of those that a workspace knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.errors import Invalid
from jupyter_slml.settings import InstanceSettings

GIB = 2**30

#: Dask resource names that the worker plugin declares.
CPU_RESOURCE = "slml_cpu"
MEMORY_RESOURCE = "slml_memory_gib"
GPU_RESOURCE = "slml_gpu"


class InstanceType(Frozen):
    """What a job or replica may use."""

    name: str
    cpus: float = Field(gt=0)
    memory: int = Field(gt=0, description="Bytes.")
    gpus: int = Field(default=0, ge=0)
    #: Bytes of scratch space of one attempt.
    disk: int = Field(default=32 * GIB, gt=0)
    #: Price per hour in the user's currency; 0 for a machine that is paid for already.
    price: float = Field(default=0.0, ge=0)
    #: How many may run at once; None is no limit but the workers'.
    limit: int | None = None

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))

    @property
    def resources(self) -> dict[str, float]:
        """The request in Dask's abstract resources."""
        wanted = {CPU_RESOURCE: self.cpus, MEMORY_RESOURCE: self.memory / GIB}
        return wanted | ({GPU_RESOURCE: float(self.gpus)} if self.gpus else {})

    def __str__(self) -> str:
        gpus = f", {self.gpus} GPU" if self.gpus else ""
        return f"{self.cpus:g} cpu, {self.memory / GIB:g} GiB{gpus}"


INSTANCE_TYPES = {
    kind.name: kind
    for kind in (
        InstanceType(name="cpu.micro", cpus=0.25, memory=GIB // 2),
        InstanceType(name="cpu.small", cpus=1, memory=2 * GIB),
        InstanceType(name="cpu.medium", cpus=2, memory=4 * GIB),
        InstanceType(name="cpu.large", cpus=4, memory=8 * GIB),
        InstanceType(name="cpu.xlarge", cpus=8, memory=16 * GIB),
        InstanceType(name="gpu.small", cpus=4, memory=16 * GIB, gpus=1),
    )
}


class Catalogue:
    """The instance types of a workspace: ours, and those of its settings."""

    def __init__(self, own: Iterable[InstanceType] = ()) -> None:
        self._types = INSTANCE_TYPES | {kind.name: kind for kind in own}

    @classmethod
    def of_settings(cls, settings: Mapping[str, InstanceSettings]) -> Catalogue:
        return cls(
            InstanceType(
                name=name,
                cpus=given.cpus,
                memory=int(given.memory_gib * GIB),
                gpus=given.gpus,
                disk=int(given.disk_gib * GIB),
                price=given.price,
                limit=given.limit,
            )
            for name, given in settings.items()
        )

    def __iter__(self) -> Iterator[InstanceType]:
        return iter(self._types.values())

    def get(self, name: str) -> InstanceType:
        """Raises Invalid that lists the known types."""
        try:
            return self._types[name]
        except KeyError:
            raise Invalid(
                f"There is no instance type {name!r}.",
                field="instance",
                value=name,
                remedy=f"Known types: {', '.join(self._types)}.",
            ) from None

"""Instance types: a named resource request with a price."""

from __future__ import annotations

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.errors import Invalid

GIB = 2**30

#: Dask resource names that the worker plugin declares.
CPU_RESOURCE = "slml_cpu"
MEMORY_RESOURCE = "slml_memory_gib"


class InstanceType(Frozen):
    """What a job or replica may use."""

    name: str
    cpus: float = Field(gt=0)
    memory: int = Field(gt=0, description="Bytes.")
    #: Price per hour in the user's currency; 0 for a machine that is paid for already.
    price: float = Field(default=0.0, ge=0)

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))

    @property
    def resources(self) -> dict[str, float]:
        """The request in Dask's abstract resources."""
        return {CPU_RESOURCE: self.cpus, MEMORY_RESOURCE: self.memory / GIB}


INSTANCE_TYPES = {
    kind.name: kind
    for kind in (
        InstanceType(name="cpu.micro", cpus=0.25, memory=GIB // 2),
        InstanceType(name="cpu.small", cpus=1, memory=2 * GIB),
        InstanceType(name="cpu.medium", cpus=2, memory=4 * GIB),
        InstanceType(name="cpu.large", cpus=4, memory=8 * GIB),
        InstanceType(name="cpu.xlarge", cpus=8, memory=16 * GIB),
    )
}


def instance_type(name: str) -> InstanceType:
    """Look up an instance type; raises Invalid that lists the known ones."""
    try:
        return INSTANCE_TYPES[name]
    except KeyError:
        raise Invalid(
            f"There is no instance type {name!r}.",
            field="instance",
            value=name,
            remedy=f"Known types: {', '.join(INSTANCE_TYPES)}.",
        ) from None

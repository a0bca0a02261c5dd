"""What the control plane sends to a worker's host: everything needed to run one attempt or one replica, and no secret."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.specs import JobSpec


class Limits(Frozen):
    """What the processes may use."""

    threads: int = Field(ge=1)
    memory: int = Field(gt=0, description="Bytes over the start of the process.")
    disk: int = Field(default=32 * 2**30, gt=0, description="Bytes below its own directories.")
    gpus: int = Field(default=0, ge=0)
    timeout: float | None = None
    grace: float = 5.0


class AttemptOrder(Frozen):
    """Run one attempt. Its id is the fencing token: one start and one outcome are ever committed for it."""

    kind: Literal["attempt"] = "attempt"
    id: str
    job: str
    job_name: str
    number: int = Field(ge=1)
    spec: JobSpec
    limits: Limits
    #: The request in Dask's abstract resources.
    resources: dict[str, float]
    #: URL of the blob store.
    store: str
    #: The job's attempts before this one, and those of the jobs that it learns from (one list per job), in their order.
    earlier: list[str] = Field(default_factory=list)
    known: list[list[str]] = Field(default_factory=list)
    #: Per hour, of the instance type.
    price: float = 0.0


class ReplicaOrder(Frozen):
    """Start one serving kernel."""

    kind: Literal["replica"] = "replica"
    id: str
    endpoint: str
    revision: str
    model: str
    version: int
    digest: str
    format: str
    signature: dict[str, JsonValue] | None = None
    limits: Limits
    #: The request in Dask's abstract resources.
    resources: dict[str, float]
    store: str
    #: Unix sockets of the gateways, and what the replica says to be let in. `gateway` is the one when `gateways` is empty.
    gateway: str = ""
    gateways: list[str] = Field(default_factory=list)
    token: str
    #: Loaded ahead and kept out of rotation until a gateway needs it.
    standby: bool = False
    #: The deployer allowed a format that runs code when it is loaded.
    allow_pickle: bool = False
    #: A body that the model can take, for the sample prediction; None: a row of zeros when the width is known.
    sample: JsonValue = None
    #: Seconds that one batch may take. A replica that is at one for longer hangs, and is ended.
    patience: float = Field(default=60.0, gt=0)

    @property
    def doors(self) -> list[str]:
        """The sockets of all gateways."""
        return self.gateways or [self.gateway]


Order = AttemptOrder | ReplicaOrder

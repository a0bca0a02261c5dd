"""What a cluster looks like from outside."""

from __future__ import annotations

from pydantic import Field

from jupyter_slml.domain.model import Frozen


class Host(Frozen):
    """A worker's host as the cluster shows it."""

    #: Dask address of one worker there, the runner's id and what the worker declares.
    address: str
    name: str
    cpus: float
    memory: int
    free_cpus: float
    free_memory: int


class ClusterStatus(Frozen):
    """What the cluster looks like now."""

    connected: bool
    address: str | None = None
    #: True when the scheduler and the workers are ours to start and stop.
    owned: bool = True
    hosts: list[Host] = Field(default_factory=list)
    problem: str = ""

"""How many more replicas the cluster has room for. No more than that are asked for: those that wait for a place would keep
jobs from theirs."""

from __future__ import annotations

from jupyter_slml.control.reconcile.adoption import Change
from jupyter_slml.domain.instances import Catalogue, InstanceType
from jupyter_slml.errors import Invalid
from jupyter_slml.ports.compute import Compute


class Room:
    """What is free now; what is given away here is not free any more."""

    def __init__(self, compute: Compute, catalogue: Catalogue) -> None:
        self._compute, self._catalogue = compute, catalogue
        #: CPUs and bytes of each host; read when somebody asks.
        self._free: list[list[float]] | None = None

    def fit(self, change: Change, current: int, instance: str) -> Change | None:
        """The part of a change for which there is room; None when there is none. A revision without replicas may always
        have its first one: it says why it waits."""
        wanted = change.wanted - current
        if wanted <= 0:
            return change
        try:
            kind = self._catalogue.get(instance)
        except Invalid:
            return None
        given = max(self._take(kind, wanted), 0 if current else 1)
        if given == wanted:
            return change
        if not given:
            return None
        reason = f"{change.reason} The cluster has room for {given} more."
        return change._replace(wanted=current + given, reason=reason, inputs={**change.inputs, "room": given})

    def _take(self, kind: InstanceType, wanted: int) -> int:
        if kind.gpus:
            # The status does not count them; the next look asks for the next one.
            return int(self._compute.slot(kind.resources))
        if self._free is None:
            self._free = [[host.free_cpus, host.free_memory] for host in self._compute.status().hosts]
        given = 0
        for host in self._free:
            while given < wanted and host[0] + 1e-6 >= kind.cpus and host[1] >= kind.memory:
                host[0] -= kind.cpus
                host[1] -= kind.memory
                given += 1
        return given

"""Records into orders: what the cluster is told about an attempt or a replica."""

from __future__ import annotations

from jupyter_slml.domain.instances import InstanceType
from jupyter_slml.domain.orders import AttemptOrder, Limits, ReplicaOrder
from jupyter_slml.domain.records import Attempt, Job, Replica, Revision, Version


def attempt_order(job: Job, attempt: Attempt, kind: InstanceType, store: str) -> AttemptOrder:
    return AttemptOrder(
        id=attempt.id,
        job=job.id,
        job_name=job.name,
        number=attempt.number,
        spec=job.spec,
        limits=Limits(
            threads=kind.threads,
            memory=kind.memory,
            disk=kind.disk,
            gpus=kind.gpus,
            timeout=job.spec.timeout,
            grace=job.spec.grace,
        ),
        resources=kind.resources,
        store=store,
    )


def replica_order(
    replica: Replica, revision: Revision, version: Version, kind: InstanceType, store: str, gateway: str
) -> ReplicaOrder:
    return ReplicaOrder(
        id=replica.id,
        endpoint=replica.endpoint,
        revision=revision.id,
        model=version.model,
        version=version.number,
        digest=version.digest,
        format=version.format,
        signature=version.signature,
        limits=Limits(threads=kind.threads, memory=kind.memory, disk=kind.disk, gpus=kind.gpus),
        resources=kind.resources,
        store=store,
        gateway=gateway,
        token=revision.token,
    )

"""Records into orders: what the cluster is told about an attempt or a replica."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_slml.domain.instances import InstanceType
from jupyter_slml.domain.orders import AttemptOrder, Limits, ReplicaOrder
from jupyter_slml.domain.records import Attempt, Job, Replica, Revision, Version


def attempt_order(
    job: Job,
    attempt: Attempt,
    kind: InstanceType,
    store: str,
    earlier: Sequence[str] = (),
    known: Sequence[Sequence[str]] = (),
) -> AttemptOrder:
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
        earlier=list(earlier),
        known=[list(item) for item in known],
        price=kind.price,
    )


def replica_order(
    replica: Replica, revision: Revision, version: Version, kind: InstanceType, store: str, gateways: Sequence[str]
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
        gateway=gateways[0],
        gateways=list(gateways),
        token=revision.token,
        standby=replica.standby,
        allow_pickle=revision.spec.allow_pickle,
        sample=revision.spec.sample,
        # Nobody waits longer for an answer, so a batch that takes longer is of no use to anybody.
        patience=max(30.0, revision.spec.timeout),
    )

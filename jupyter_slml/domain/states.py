"""The states of everything that lives, each with its meaning and its predicates."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Observed state of a job."""

    #: Accepted and stored; waits for a slot (or for a retry's back-off).
    QUEUED = "queued"
    #: An attempt was handed to the cluster and has not run its first line.
    STARTING = "starting"
    #: The cell runs.
    RUNNING = "running"
    #: A stop was asked for; the attempt's processes are being ended.
    STOPPING = "stopping"
    #: The cell ended without an exception and its outputs are stored.
    SUCCEEDED = "succeeded"
    #: The cell raised, crashed or broke a limit.
    FAILED = "failed"
    #: Ended because somebody asked for it.
    STOPPED = "stopped"
    #: Ended because its time was up.
    TIMED_OUT = "timed_out"
    #: The platform lost it more often than it may retry.
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        return self in _FINAL_JOB


_FINAL_JOB = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.STOPPED, JobState.TIMED_OUT, JobState.LOST})


class AttemptState(StrEnum):
    """Observed state of one execution of a job."""

    #: Given to the cluster.
    SUBMITTED = "submitted"
    #: Its process exists on a worker's host.
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"
    #: Nobody knows it any more: a platform fault, which the job retries.
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        return self not in (AttemptState.SUBMITTED, AttemptState.RUNNING)


class EndpointState(StrEnum):
    """Observed state of an endpoint."""

    #: Its first revision is loading; requests are held.
    STARTING = "starting"
    #: At least one replica answers.
    READY = "ready"
    #: Nobody calls, so no replica runs; the next request is held and wakes it.
    SLEEPING = "sleeping"
    #: No replica answers now; the platform is starting another.
    DEGRADED = "degraded"
    #: The model could not be loaded; the reason is on the endpoint.
    FAILED = "failed"
    #: Being taken down.
    STOPPING = "stopping"
    #: Gone; its name is free.
    STOPPED = "stopped"

    @property
    def is_final(self) -> bool:
        return self is EndpointState.STOPPED


class ReplicaState(StrEnum):
    """Observed state of one serving kernel."""

    #: Given to the cluster.
    SUBMITTED = "submitted"
    #: Its process exists; the model is loading.
    LOADING = "loading"
    #: The model is loaded, a sample prediction passed, the gateway knows it.
    READY = "ready"
    #: Ended on request.
    STOPPED = "stopped"
    #: The model could not be loaded.
    FAILED = "failed"
    #: Died, or its host did.
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        return self in (ReplicaState.STOPPED, ReplicaState.FAILED, ReplicaState.LOST)


class Desired(StrEnum):
    """What somebody asked for, kept apart from what is observed."""

    RUN = "run"
    STOP = "stop"

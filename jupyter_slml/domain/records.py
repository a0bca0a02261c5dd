"""What the database holds, as values: one frozen class per table."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.outcomes import Outcome
from jupyter_slml.domain.specs import DeploySpec, JobSpec, Stage
from jupyter_slml.domain.states import AttemptState, Desired, EndpointState, JobState, ReplicaState
from jupyter_slml.domain.traffic import largest

Approval = Literal["pending", "approved", "rejected"]


class Job(Frozen):
    """One managed piece of work. Times are epoch seconds (UTC)."""

    id: str
    name: str
    spec: JobSpec
    state: JobState
    #: Why it is in that state, for people: a pending job always says what it waits for.
    reason: str = ""
    desired: Desired = Desired.RUN
    #: The client's idempotency key.
    key: str | None = None
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    #: Attempts made so far, and how many retries each cause has used (`failure`, `memory`, `timeout`, `platform`).
    attempts: int = 0
    retried: dict[str, int] = Field(default_factory=dict)
    #: It does not start before this time: the back-off of a retry.
    not_before: float | None = None
    #: Who submitted it: fair turns and limits count by it.
    user: str = ""
    #: How many of the jobs that it waits for (`after`) have not succeeded yet.
    blocked: int = 0
    #: The outcome of the attempt that decided the job.
    outcome: Outcome | None = None
    #: Last value of each metric, while it runs too.
    metrics: dict[str, float] = Field(default_factory=dict)
    #: `name@version` that it registered.
    registered: str | None = None
    #: Rises with every change, so that a client can tell which of two snapshots is newer.
    revision: int = 0


class Attempt(Frozen):
    """One execution of a job."""

    id: str
    job: str
    number: int
    state: AttemptState
    host: str | None = None
    pid: int | None = None
    created_at: float
    #: Its process exists; the cell's first line; its end.
    started_at: float | None = None
    first_line_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None


class Model(Frozen):
    """A registered name."""

    name: str
    created_at: float
    latest: int


class Version(Frozen):
    """An immutable numbered artifact with its signature and lineage."""

    model: str
    number: int
    created_at: float
    digest: str
    size: int
    format: str
    type: str
    #: `domain.signatures`: columns, dtypes, ranges, classes, task.
    signature: dict[str, JsonValue] | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    #: Python and the packages of the process that made it: name → version.
    environment: dict[str, str] = Field(default_factory=dict)
    #: Digest of the counts per feature and prediction of the training data (`domain.baselines`, JSON); None if unknown.
    baseline: str | None = None
    #: Lineage: the job and its output (None when it was imported), the cell's source or where the import came from, and
    #: the digests of what the cell read.
    job: str | None
    output: str
    source: str
    captures: dict[str, str] = Field(default_factory=dict)

    @property
    def reference(self) -> str:
        return f"{self.model}@{self.number}"


class Standing(Frozen):
    """Where a version stands: what moves about it, apart from what it is."""

    model: str
    number: int
    stage: Stage = "candidate"
    approval: Approval = "pending"


class Alias(Frozen):
    """A movable name of a version."""

    model: str
    alias: str
    number: int


class Transition(Frozen):
    """One line of a model's append-only log of moves."""

    id: int
    at: float
    model: str
    number: int
    #: `stage`, `alias`, `approval`; `alias` holds which alias.
    kind: Literal["stage", "alias", "approval"]
    alias: str | None = None
    #: Stage, approval, or the version that an alias pointed at (as text); None: nowhere.
    before: str | None
    after: str | None
    actor: str
    reason: str = ""
    #: The gate and the values that it saw (`domain.gates.Verdict`); None without a gate.
    evidence: dict[str, JsonValue] | None = None
    #: A rollback: the id of the move that it takes back.
    undoes: int | None = None


class Evidence(Frozen):
    """Measurements of a version that gates may ask for."""

    id: int
    at: float
    model: str
    number: int
    #: `evaluation` (a job on held-back data) or `endpoint` (measured while serving).
    kind: Literal["evaluation", "endpoint"]
    #: What it was measured on: the input's name, or the endpoint's.
    name: str
    metrics: dict[str, float]
    job: str | None = None
    #: Digest of the curves (`domain.evaluations`, JSON).
    curves: str | None = None


class Endpoint(Frozen):
    """A stable URL."""

    name: str
    state: EndpointState
    reason: str = ""
    desired: Desired = Desired.RUN
    #: The revision that is asked for, and the one that answers (of several: the one with the largest share).
    revision: str
    serving: str | None = None
    #: Share of the traffic in percent, by revision; sums to 100 as soon as something answers.
    traffic: dict[str, int] = Field(default_factory=dict)
    #: The shares before they were changed last: what a rollback brings back.
    previous: dict[str, int] = Field(default_factory=dict)
    #: How many replicas each revision shall have now: what the autoscaler decided last.
    scale: dict[str, int] = Field(default_factory=dict)
    #: Set by hand since the last deployment, in place of what its revisions say.
    min_replicas: int | None = None
    max_replicas: int | None = None
    created_at: float
    updated_at: float
    #: Loading error of the newest revision, if it has one: `{ename, evalue, traceback}`.
    error: dict[str, JsonValue] | None = None

    def bounds(self, spec: DeploySpec) -> tuple[int, int]:
        """Least and greatest number of replicas of a revision with that configuration."""
        least = spec.min_replicas if self.min_replicas is None else self.min_replicas
        return least, spec.max_replicas if self.max_replicas is None else self.max_replicas

    def shifted(self, traffic: dict[str, int]) -> dict[str, Any]:
        """The changes that give the traffic these shares, and keep what a rollback needs."""
        return {
            "traffic": traffic,
            "previous": self.traffic or self.previous,
            "serving": largest(traffic),
            "scale": {name: self.scale.get(name, 1) for name in traffic},
        }


class Revision(Frozen):
    """An immutable (version + serving configuration) of an endpoint."""

    id: str
    endpoint: str
    number: int
    model: str
    version: int
    spec: DeploySpec
    created_at: float
    #: When a replica of it had loaded for the first time; None: it never proved itself.
    ready_at: float | None = None
    #: What a replica says to the gateway to be let in. Never leaves the daemon but in an order and the routing snapshot.
    token: str = Field(repr=False)


class Replica(Frozen):
    """One serving kernel."""

    id: str
    endpoint: str
    revision: str
    state: ReplicaState
    reason: str = ""
    desired: Desired = Desired.RUN
    #: Loaded ahead, out of rotation until it is needed.
    standby: bool = False
    #: Whether somebody has a console on it, and whether it was taken out of rotation for that. It does not end for being one
    #: too many; one that is drained does not count.
    console: Literal["", "open", "drained"] = ""
    host: str | None = None
    pid: int | None = None
    created_at: float
    ready_at: float | None = None
    ended_at: float | None = None
    #: Milliseconds by phase (fork, load, sample), from the replica's own clock.
    phases: dict[str, float] = Field(default_factory=dict)


class Decision(Frozen):
    """One decision of the autoscaler, with what it saw."""

    id: int
    at: float
    endpoint: str
    revision: str
    before: int
    after: int
    reason: str
    #: rate, service time, waiting, in flight, ready, starting, wish …
    inputs: dict[str, float] = Field(default_factory=dict)


class Token(Frozen):
    """What callers of endpoints show. The secret itself is shown once and not kept."""

    id: str
    name: str
    #: SHA-256 of the secret.
    digest: str = Field(repr=False)
    endpoints: list[str]
    scopes: list[str]
    created_at: float
    expires_at: float | None = None


class Event(Frozen):
    """One line of the append-only log; `id` rises without gaps in the order of the commits."""

    id: int
    at: float
    #: `job.queued`, `job.running`, `attempt.lost`, `model.registered`, `endpoint.ready`, …
    kind: str
    #: `job`, `attempt`, `model`, `endpoint`, `replica`, `settings`.
    subject: str
    subject_id: str
    data: dict[str, JsonValue] = Field(default_factory=dict)

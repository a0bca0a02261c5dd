"""The shapes of the API that are not records themselves: what lists, pages and streams carry."""

from __future__ import annotations

from pydantic import Field, JsonValue

from jupyter_slml.domain.batch import PartRecord
from jupyter_slml.domain.cluster import ClusterStatus
from jupyter_slml.domain.instances import InstanceType
from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import Digest
from jupyter_slml.domain.phases import Phase
from jupyter_slml.domain.records import (
    Approval,
    Attempt,
    Decision,
    Endpoint,
    Event,
    Evidence,
    Job,
    Model,
    Replica,
    Transition,
    Version,
)
from jupyter_slml.domain.specs import DeploySpec, JobKind, Objective, Stage
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.trials import Study


class JobSummary(Frozen):
    """A job as a list shows it."""

    id: str
    name: str
    kind: JobKind
    state: JobState
    reason: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    metrics: dict[str, float]
    registered: str | None
    instance: str
    notebook: str | None
    revision: int


class JobView(Job):
    """A job as it is shown: with where its time went and, while it waits, until when that may last."""

    phases: list[Phase] = Field(default_factory=list)
    #: Epoch seconds at which it may start, where earlier runs allow an estimate.
    expected_at: float | None = None


def summary(job: Job) -> JobSummary:
    return JobSummary(
        id=job.id,
        name=job.name,
        kind=job.spec.kind,
        state=job.state,
        reason=job.reason,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        metrics=job.metrics,
        registered=job.registered,
        instance=job.spec.instance,
        notebook=job.spec.origin.notebook,
        revision=job.revision,
    )


class JobPage(Frozen):
    jobs: list[JobSummary]
    #: Cursor of the next page (`before=`); None on the last one.
    next: str | None
    total: int


class StopMany(Frozen):
    """Which jobs to stop: the named ones, or else all unfinished ones in these states or of this name."""

    jobs: list[str] = Field(default_factory=list, max_length=10_000)
    states: list[str] = Field(default_factory=list)
    name: str | None = None


class DeleteMany(Frozen):
    jobs: list[str] = Field(min_length=1, max_length=10_000)


class JobIds(Frozen):
    jobs: list[str]


class Collect(Frozen):
    """What may go: jobs that ended so long ago, except the newest of each name."""

    older_than: float = Field(default=30 * 86400, ge=0, description="Seconds since the job ended.")
    keep: int = Field(default=5, ge=0, description="How many of each name stay, however old.")
    dry_run: bool = False


class Collected(Frozen):
    """What went, or would go."""

    jobs: list[str]
    objects: int
    #: Files of uploads that were never finished.
    uploads: int
    bytes: int
    dry_run: bool


class AttemptList(Frozen):
    attempts: list[Attempt]


class TrialList(Study):
    """The trials of a tuning job: numbers of the best and of those on the Pareto front."""

    objectives: list[Objective]
    best: int | None = None
    front: list[int] = Field(default_factory=list)


class PartList(Frozen):
    """The parts of a batch job that were begun, and how far it is: `rows` of `rows_total`, `rows_per_second`,
    `eta_seconds`, `errors`, `parts` of `parts_total`; a figure that nobody knows is left out."""

    output: str
    parts: list[PartRecord]
    figures: dict[str, float]


class LogEntry(Frozen):
    """One piece of output."""

    #: Position to resume after: it rises from entry to entry, over attempts too.
    q: int
    #: Number of the attempt.
    n: int
    t: float
    s: str
    x: str


class LogPage(Frozen):
    """A part of a log. Read on after `last`: at once while there is `more`, and later until it is `done`."""

    entries: list[LogEntry]
    last: int
    #: More is there to be read than fitted into this page.
    more: bool = False
    #: True when the job is final and everything was read.
    done: bool


class MetricPoint(Frozen):
    #: Number of the attempt that logged it: one that goes on from a checkpoint may repeat steps of the one before.
    attempt: int = 1
    t: float
    step: int | None = None
    values: dict[str, float]


class MetricPoints(Frozen):
    points: list[MetricPoint]


class Displays(Frozen):
    """Rich outputs as nbformat output dictionaries."""

    outputs: list[dict[str, JsonValue]]


class VersionView(Version):
    """A version with where it stands now."""

    stage: Stage = "candidate"
    approval: Approval = "pending"
    aliases: list[str] = Field(default_factory=list)


class ModelSummary(Frozen):
    name: str
    created_at: float
    latest: VersionView
    #: Number of the version in production.
    production: int | None = None
    aliases: dict[str, int] = Field(default_factory=dict)


class ModelList(Frozen):
    models: list[ModelSummary]


class ModelDetail(Frozen):
    model: Model
    #: Newest first.
    versions: list[VersionView]


class TransitionList(Frozen):
    """Newest first."""

    transitions: list[Transition]


class Moved(Frozen):
    """A version after it was moved, and the moves that were made: none when it was there already."""

    version: VersionView
    transitions: list[Transition]


class EvidenceList(Frozen):
    """Newest first."""

    evidence: list[Evidence]


class RevisionView(Frozen):
    """A revision as it is shown; never its token."""

    id: str
    number: int
    model: str
    version: int
    weight: int
    instance: str
    created_at: float
    #: When it answered for the first time; None: it never did.
    ready_at: float | None = None


class EndpointView(Endpoint):
    """An endpoint with what answers on it."""

    url: str
    model: str
    version: int
    replicas: list[Replica]
    #: What was asked for last.
    spec: DeploySpec
    #: Every revision that is named in `traffic` or is loading, oldest first.
    revisions: list[RevisionView] = Field(default_factory=list)


class RevisionList(Frozen):
    """Newest first."""

    revisions: list[RevisionView]


class EndpointList(Frozen):
    endpoints: list[EndpointView]


class DecisionList(Frozen):
    """Newest first."""

    decisions: list[Decision]


class ConsoleView(Frozen):
    """An open console. It ends `lease` seconds after it was asked for last."""

    key: str
    endpoint: str
    replica: str
    model: str
    version: int
    #: Jupyter's connection file of the replica's kernel, for its owner alone.
    connection_file: str
    drain: bool
    lease: float


class TokenView(Frozen):
    """A token without its digest."""

    id: str
    name: str
    endpoints: list[str]
    scopes: list[str]
    created_at: float
    expires_at: float | None = None


class TokenList(Frozen):
    tokens: list[TokenView]


class NewToken(TokenView):
    """A token as it is made: the one time that its secret is shown."""

    secret: str = Field(repr=False)


class EventPage(Frozen):
    events: list[Event]
    #: Position to resume after.
    last: int


class InstanceList(Frozen):
    instances: list[InstanceType]


class Missing(Frozen):
    """Which of the digests asked about the store does not have."""

    missing: list[str]


class Digests(Frozen):
    digests: list[Digest] = Field(max_length=10_000)


class Stored(Frozen):
    digest: str
    size: int


class GatewayStatus(Frozen):
    url: str | None
    alive: bool
    pid: int | None = None
    #: Why it could not start.
    problem: str | None = None


class Counts(Frozen):
    jobs: dict[str, int]
    models: int
    endpoints: int


class Status(Frozen):
    version: str
    pid: int
    workspace: str
    home: str
    #: URL of the blob store.
    store: str
    started_at: float
    cluster: ClusterStatus
    gateway: GatewayStatus
    counts: Counts


class Shutdown(Frozen):
    """`drain`: the daemon alone leaves, and everything it started goes on. Otherwise all of it ends."""

    drain: bool = False

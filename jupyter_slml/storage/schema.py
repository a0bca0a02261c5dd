"""The tables, as the newest migration leaves them. `migrations/` makes them; a test compares the two.

Specs, outcomes and other nested records are JSON text; what is searched or sorted by has a column of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

#: The newest migration.
HEAD = "0003"

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(16), nullable=False),
    Column("subject_id", String(128), nullable=False),
    Column("data", Text, nullable=False),
    Index("events_by_subject", "subject", "subject_id", "id"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("desired", String(8), nullable=False),
    Column("key", String(128), unique=True),
    Column("instance", String(64), nullable=False),
    Column("notebook", Text),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("retried", Text, nullable=False),
    Column("not_before", Float),
    Column("user", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("registered", String(96)),
    Column("revision", Integer, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("outcome", Text),
    Column("spec", Text, nullable=False),
    Index("jobs_by_time", "created_at", "id"),
    Index("jobs_by_state", "state", "created_at", "id"),
    Index("jobs_by_name", "name", "created_at", "id"),
    Index("jobs_by_turn", "state", "user", "priority", "created_at", "id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("job", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("host", Text),
    Column("pid", Integer),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("first_line_at", Float),
    Column("ended_at", Float),
    Column("outcome", Text),
    UniqueConstraint("job", "number", name="attempt_number"),
    Index("attempts_by_state", "state"),
)

dependencies = Table(
    "dependencies",
    metadata,
    Column("job", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    #: The job that must have succeeded first.
    Column("needs", String(32), primary_key=True),
    Index("dependencies_by_needs", "needs"),
)

models = Table(
    "models",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("latest", Integer, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("model", String(63), ForeignKey("models.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("format", String(32), nullable=False),
    Column("type", Text, nullable=False),
    Column("signature", Text),
    Column("metrics", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("baseline", String(64)),
    Column("job", String(32)),
    Column("output", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("captures", Text, nullable=False),
    #: One output of one job is one version, however often its registration is repeated.
    UniqueConstraint("model", "job", "output", name="version_of_output"),
)

standings = Table(
    "standings",
    metadata,
    Column("model", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("approval", String(16), nullable=False),
    ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"], ondelete="CASCADE"),
    Index("standings_by_stage", "model", "stage"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("model", String(63), primary_key=True),
    Column("alias", String(63), primary_key=True),
    Column("number", Integer, nullable=False),
    ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("model", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("alias", String(63)),
    Column("before", String(63)),
    Column("after", String(63)),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text),
    Column("undoes", Integer),
    Index("transitions_by_model", "model", "id"),
    sqlite_autoincrement=True,
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("model", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("job", String(32)),
    Column("curves", String(64)),
    Index("evidence_by_version", "model", "number", "id"),
    sqlite_autoincrement=True,
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("desired", String(8), nullable=False),
    Column("revision", String(32), nullable=False),
    Column("serving", String(32)),
    Column("traffic", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("scale", Text, nullable=False),
    Column("min_replicas", Integer),
    Column("max_replicas", Integer),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("error", Text),
)

revisions = Table(
    "revisions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("model", String(63), nullable=False),
    Column("version", Integer, nullable=False),
    Column("spec", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ready_at", Float),
    Column("token", String(64), nullable=False),
    UniqueConstraint("endpoint", "number", name="revision_number"),
)

replicas = Table(
    "replicas",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(63), nullable=False),
    Column("revision", String(32), ForeignKey("revisions.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("desired", String(8), nullable=False),
    Column("standby", Boolean, nullable=False),
    Column("console", String(8), nullable=False),
    Column("host", Text),
    Column("pid", Integer),
    Column("created_at", Float, nullable=False),
    Column("ready_at", Float),
    Column("ended_at", Float),
    Column("phases", Text, nullable=False),
    Index("replicas_by_endpoint", "endpoint", "state"),
    Index("replicas_by_state", "state"),
    Index("replicas_by_revision", "revision", "created_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("endpoint", String(63), nullable=False),
    Column("revision", String(32), nullable=False),
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Index("decisions_by_endpoint", "endpoint", "id"),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(63), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("endpoints", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
)

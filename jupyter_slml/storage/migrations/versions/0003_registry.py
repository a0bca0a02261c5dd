"""The registry's moves and evidence; traffic, scale and decisions of endpoints; tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _versions()
    _endpoints()
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("endpoints", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
    )


def _versions() -> None:
    # The defaults serve the rows that exist and go again, so that the code alone decides for new ones.
    with op.batch_alter_table("versions") as versions:
        versions.add_column(sa.Column("tags", sa.Text(), nullable=False, server_default="{}"))
        versions.add_column(sa.Column("environment", sa.Text(), nullable=False, server_default="{}"))
        versions.add_column(sa.Column("baseline", sa.String(64)))
        versions.alter_column("job", existing_type=sa.String(32), nullable=True)
    with op.batch_alter_table("versions") as versions:
        for name in ("tags", "environment"):
            versions.alter_column(name, server_default=None)
    op.create_table(
        "standings",
        sa.Column("model", sa.String(63), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("approval", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"], ondelete="CASCADE"),
    )
    op.create_index("standings_by_stage", "standings", ["model", "stage"])
    op.execute(
        "INSERT INTO standings (model, number, stage, approval) SELECT model, number, 'candidate', 'pending' FROM versions"
    )
    op.create_table(
        "aliases",
        sa.Column("model", sa.String(63), primary_key=True),
        sa.Column("alias", sa.String(63), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    op.create_table(
        "transitions",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("model", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("alias", sa.String(63)),
        sa.Column("before", sa.String(63)),
        sa.Column("after", sa.String(63)),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("undoes", sa.Integer()),
        sqlite_autoincrement=True,
    )
    op.create_index("transitions_by_model", "transitions", ["model", "id"])
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("model", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("job", sa.String(32)),
        sa.Column("curves", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("evidence_by_version", "evidence", ["model", "number", "id"])


def _endpoints() -> None:
    with op.batch_alter_table("endpoints") as endpoints:
        for name in ("traffic", "previous", "scale"):
            endpoints.add_column(sa.Column(name, sa.Text(), nullable=False, server_default="{}"))
        for name in ("min_replicas", "max_replicas"):
            endpoints.add_column(sa.Column(name, sa.Integer()))
    # What answered before goes on answering all of it, with one replica.
    for name, value in (("traffic", 100), ("scale", 1)):
        op.execute(f"UPDATE endpoints SET {name} = '{{\"' || serving || '\"\\: {value}}}' WHERE serving IS NOT NULL")
    with op.batch_alter_table("endpoints") as endpoints:
        for name in ("traffic", "previous", "scale"):
            endpoints.alter_column(name, server_default=None)
    with op.batch_alter_table("revisions") as revisions:
        revisions.add_column(sa.Column("ready_at", sa.Float()))
    op.execute("UPDATE revisions SET ready_at = (SELECT min(ready_at) FROM replicas WHERE replicas.revision = revisions.id)")
    with op.batch_alter_table("replicas") as replicas:
        replicas.add_column(sa.Column("standby", sa.Boolean(), nullable=False, server_default=sa.false()))
        replicas.add_column(sa.Column("console", sa.String(8), nullable=False, server_default=""))
    with op.batch_alter_table("replicas") as replicas:
        for name in ("standby", "console"):
            replicas.alter_column(name, server_default=None)
    op.create_index("replicas_by_state", "replicas", ["state"])
    op.create_index("replicas_by_revision", "replicas", ["revision", "created_at"])
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("endpoint", sa.String(63), nullable=False),
        sa.Column("revision", sa.String(32), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_by_endpoint", "decisions", ["endpoint", "id"])

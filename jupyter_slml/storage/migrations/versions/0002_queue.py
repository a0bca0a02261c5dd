"""The queue: retries by cause, back-off, users, priorities, dependencies; the first line of an attempt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # The defaults serve the rows that exist and go again, so that the code alone decides for new ones.
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("retried", sa.Text(), nullable=False, server_default="{}"))
        jobs.add_column(sa.Column("not_before", sa.Float()))
        jobs.add_column(sa.Column("user", sa.Text(), nullable=False, server_default=""))
        jobs.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        jobs.add_column(sa.Column("blocked", sa.Integer(), nullable=False, server_default="0"))
        jobs.drop_column("failures")
        jobs.drop_column("losses")
    with op.batch_alter_table("jobs") as jobs:
        for name in ("retried", "user", "priority", "blocked"):
            jobs.alter_column(name, server_default=None)
    op.create_index("jobs_by_turn", "jobs", ["state", "user", "priority", "created_at", "id"])
    op.add_column("attempts", sa.Column("first_line_at", sa.Float()))
    op.create_table(
        "dependencies",
        sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("needs", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("job", "needs"),
    )
    op.create_index("dependencies_by_needs", "dependencies", ["needs"])

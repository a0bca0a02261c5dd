"""The schema's history: one file per step, applied in order by alembic when a daemon starts."""

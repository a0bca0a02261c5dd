"""What survives.

Lives here: the blob store (`blobs.py`) and the SQL database: `schema.py`, `database.py`, `migrations/`, one file per noun.
May import: `ports`, `domain`, `errors`; obstore, SQLAlchemy Core, alembic.
Promises: a write that returned is on disk; a record and its event commit together; the same statements run on SQLite and
Postgres; rows become frozen records before they leave this room.
First file to read: `database.py`, then `jobs.py`.
"""

"""The daemon's use cases.

Lives here: one file per noun (`jobs.py`, `models.py`, `endpoints.py`), `reconcile/` (the only writer of observed state)
with its `worklist.py`, `observations.py`, `bus.py`, `routing.py`, `gateway.py`, and `http/`, the face of it all.
May import: `storage`'s records through the database handed in, `ports`, `domain`, `errors`; FastAPI in `http/` alone.
Promises: a request only records intent; whatever changes commits together with its event; nothing here unpickles user bytes
or runs user code; after a kill the next start finds everything in the database.
First file to read: `reconcile/loop.py`.
"""

"""The user's kernel: a cell becomes a job.

Lives here: reading a cell's names (`names`, `flow`), collecting their values (`capture`, `pickling`, `modules`, `bundle`),
sending them (`shipping`), one magic file per noun (`train`, `jobs`, `models`, `endpoints`), the `slml` object (`api`),
handles, and what a notebook shows (`card`, `live`, `widget`).
May import: `client`, `domain`, `settings`, `errors`. No Dask, no SQL. numpy, pandas, httpx and ipywidgets only inside
functions that have a value of theirs at hand: `%load_ext jupyter_slml` stays under 300 ms.
Promises: nothing is sent before everything is known to travel; every refusal names the thing, the line and the remedy; a
thread never prints.
First file to read: `train.py`, then `capture.py`.
"""

"""The Dask side: from an order to a process on a worker's host and back to one outcome.

Lives here: the daemon's half (`backend`, `cluster`), the Dask worker's half (`plugin`, `supervise`, `link`), the runner on
each host (`runner`, `attempt`, `logs`, `zygotes`), the zygote and what it forks (`zygote`, `keeper`, `child`, `cell`).
May import: `ports`, `domain`, `settings`, `errors`. Stores and other supervisors are handed in by `processes/`.
Promises: one start and one outcome per attempt, whatever is killed; nothing an attempt started survives it; the daemon's
half imports no data science and unpickles nothing of the user; the zygote imports and computes nothing.
Importing this package costs nothing: the four processes import the files they need.
First file to read: `supervisor.py`, then `attempt.py`.
"""

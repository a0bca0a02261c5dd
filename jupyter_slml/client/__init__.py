"""The HTTP client of the daemon, for kernels, scripts and the command line.

Lives here: `connect`, the client with one file of verbs per noun, `start.py` (finding or starting the daemon).
May import: `domain`, `settings`, `errors`; httpx, imported at the first request and not before.
Promises: the verbs of the API with its records; every failure is the daemon's own error, rebuilt; thread-safe.
First file to read: `client.py`.
"""

from __future__ import annotations

from jupyter_slml.client.client import Client as Client
from jupyter_slml.client.client import connect as connect

"""The data plane: HTTP in front, unix-socket frames behind, nothing but callbacks between.

Lives here: `http` (one client connection), `endpoint` (queue and batches), `link` (one replica), `control` (the daemon's
line), `routes` (the snapshot), `limits`, `answers`, `server` (all of it together).
May import: `serving.frames`, `settings`, `errors`, uvloop, httptools, orjson.
Promises: keeps serving while the daemon is dead; holds requests, bounded and with a deadline, while no replica is there;
requests of a replica that died go to another; a client that goes away costs nothing.
First file to read: `server.py`.
"""

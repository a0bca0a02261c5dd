"""Predictions: the gateway that takes requests and the replicas that answer them.

Lives here: `gateway/` (the data plane's process), `replica/` (the serving kernel and who looks after it), `frames` (what
travels between the two).
May import: `ports`, `domain`, `settings`, `errors`; the gateway half never imports the replica half or a model library.
Promises: a body is opaque to the gateway and reaches a model on the replica's own thread, never by `execute_request`; a
request is answered once or its client is gone; bad input is a 4xx that names the field and the remedy.
First file to read: `gateway/endpoint.py`, then `replica/link.py`.
"""

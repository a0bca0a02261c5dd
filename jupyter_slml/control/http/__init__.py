"""The daemon's face: FastAPI, one file of routes per noun, one shape for every failure.

Lives here: `app.py` (what is mounted and how errors leave), `services.py` (what the routes need), a file per noun.
Promises: a route parses, calls a use case, returns a record; it decides nothing. Every failure is `SlmlError.to_wire()`.
First file to read: `app.py`.
"""

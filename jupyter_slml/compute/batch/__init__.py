"""Batch prediction on a worker's host.

    attempt's child = host ─┬─ planner (looks at the input, makes the parts; gone before the first one)
                            ├─ slot: read → predict → write → commit, one part after the other
                            └─ slot …

The host binds what travelled, loads the model or runs the cell, and forks; it computes nothing itself, so what it forks is
clean. A part commits by an atomic file and a create-exclusive line of the manifest beside the output: retry, resume and
idempotence are the same thing. First files to read: `host.py`, `slot.py`.
"""

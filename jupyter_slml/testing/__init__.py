"""Verified stand-ins, shipped with the package, and the suites that hold them and the real parts to the same promises.

Lives here: `compute.py` (a cluster in memory), `conformance.py` (what every Compute and every Blobs must do).
May import: `ports`, `domain`, `errors`; pytest is not needed to use the stand-ins.
Promises: a stand-in keeps the obligations of its port; what it does not do (run user code) it says.
First file to read: `compute.py`.
"""

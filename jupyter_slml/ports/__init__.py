"""The seams where two implementations exist, with their obligations in prose.

Lives here: Protocols alone (`blobs`, `compute`, `clock`).
May import: `domain`, `errors`.
Promises: whoever keeps the obligations written on a Protocol can stand in for ours; `testing/` ships fakes that do, and the
suites that check both.
First file to read: `compute.py`.
"""

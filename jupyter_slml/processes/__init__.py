"""Composition roots: one file per process, the only code that knows several rooms.

Lives here: `daemon`, `gateway`, `runner`, `zygote`, each started with `python -m jupyter_slml.processes.NAME`.
May import: every room but `cli`.
Promises: a process reads its arguments, puts the rooms together and runs; it decides nothing else. The zygote's file imports
nothing before its environment is right.
First file to read: `daemon.py`.
"""

"""Tuning jobs on a worker's host.

Lives here: what runs in an attempt of kind `tuning`. Its forked child is the *host*; beside it, forked before any of the
user's code has run, sits the *coordinator* with Optuna. The host runs the cell's prefix once and forks a process per trial.
Each trial talks to the coordinator alone, over a socket of its own; the coordinator decides what is tried, what is pruned,
what is best and when it is enough, and says all of it to the runner, which stores it (`book`).

May import: compute, ports, domain, settings, errors; Optuna in the coordinator only.
Promises: a trial that crashes is one failed trial; nothing outlives the attempt; what is recorded is never run again.
First file to read: `host.py`.
"""

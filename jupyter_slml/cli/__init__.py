"""`jupyter slml`: the command line.

Lives here: one file of commands per noun; `doctor.py` and `demo.py` have their own.
May import: everything below; heavy parts inside the command that needs them.
Promises: each command has `--help` with an example; a failure is one message with its remedy on standard error and exit
status 1 (2 for a wrong command line); nothing but the asked-for answer goes to standard output.
First file to read: `main.py`.
"""

from __future__ import annotations

from jupyter_slml.cli.main import main as main

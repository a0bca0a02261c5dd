"""The `slml` of the process we are in: the notebook's in a kernel, the job's in a forked child.

A function that was written in a notebook and uses `slml` is pickled with a reference to `get`, so that it finds the job's
object when it runs in a job. Imports nothing, for both sides import it.
"""

from __future__ import annotations

_here: list[object] = []


def get() -> object:
    """The present `slml`. Raises LookupError outside a notebook with the extension and outside a job."""
    if not _here:
        raise LookupError("There is no `slml` here. In a notebook, run `%load_ext jupyter_slml` first.")
    return _here[0]


def set(value: object) -> None:
    """Make `value` the `slml` of this process."""
    _here[:] = [value]

"""Work in a fork of its own, so that threads which a file system starts never meet a later fork."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

from jupyter_slml.compute import procfs
from jupyter_slml.compute.leaving import leave
from jupyter_slml.compute.source import InputFailed
from jupyter_slml.compute.wire import Link, pair
from jupyter_slml.errors import SlmlError

Answer = dict[str, Any]


def apart(work: Callable[[], Answer]) -> Answer:
    """What `work` gives, which must be JSON; `{"failed": {reason, message}}` for what it raises, `{"died": code}` when its
    process ended by itself."""
    ours, theirs = pair()
    own = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            procfs.die_with_parent(own)
            ours.close()
            Link(theirs).send(_answer(work))
        except BaseException:
            traceback.print_exc()
        finally:
            leave(0)
    theirs.close()
    link = Link(ours)
    found = link.receive()
    link.close()
    _, status = os.waitpid(pid, 0)
    return {"died": os.waitstatus_to_exitcode(status)} if found is None else found


def _answer(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except InputFailed as error:
        return failed("input", str(error))
    except SlmlError as error:
        reason = "output" if error.field == "--output" else "input"
        return failed(reason, f"{error.message} {error.remedy or ''}".strip())
    except OSError as error:
        return failed("output", f"The output cannot be written: {type(error).__name__}: {error}.")
    except (ImportError, ValueError) as error:
        # What fsspec raises for a scheme.
        return failed("output", f"The output cannot be written there: {error}.")


def failed(reason: str, message: str, error: Answer | None = None) -> Answer:
    """The result of an attempt that fails for this reason; `error` is the user's own exception."""
    return {"failed": {"reason": reason, "message": message, "error": error}}

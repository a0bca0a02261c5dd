"""The process that loads what a file holds: nothing of the caller's but the file, and bounds on what it takes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_slml.errors import Invalid, SlmlError, from_wire

#: Seconds for one file.
TIMEOUT = 600.0
#: Of the caller's environment, what a Python needs to find itself and a library to find its files.
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "TZ")
#: Characters of its last words that are shown.
_SHOWN = 500


def ask(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Carry out an order of `reader` in a child that works in `folder`. Raises what the reader raises, and Invalid when the
    process dies of what it reads."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # Unsafe paths (the folder that it works in) are kept off its sys.path.
    command = [sys.executable, "-P", "-m", "jupyter_slml.exchange.reader"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(json.dumps(order).encode(), TIMEOUT)
        except subprocess.TimeoutExpired:
            raise _died(order, f"it was not read within {TIMEOUT:.0f} s") from None
        finally:
            # Whatever it started goes with it, whether it ended or not.
            _end(process)
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        words = err.decode(errors="replace").strip()[-_SHOWN:]
        code = process.returncode
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        raise _died(order, f"reading it ended the process ({how}){f': {words}' if words else ''}") from None
    if "error" in answer:
        said, name = answer["error"], Path(order["path"]).name
        if name not in said["message"]:
            said["message"] = f"{name!r}: {said['message']}"
        error: SlmlError = from_wire(answer)
        raise error
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _died(order: dict[str, Any], why: str) -> Invalid:
    name = Path(str(order.get("path", ""))).name
    return Invalid(
        f"{name!r} could not be read: {why}.",
        field="path",
        value=name,
        remedy="Check that it is whole, and that it was made with versions of the library like those installed here.",
    )

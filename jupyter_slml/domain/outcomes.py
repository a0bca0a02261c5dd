"""How an attempt ended, and what it left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.states import AttemptState


class Reason(StrEnum):
    """Why an attempt ended as it did."""

    #: The cell ran to its end.
    DONE = "done"
    #: The cell raised an exception.
    EXCEPTION = "exception"
    #: A tuning job in which no trial gave its objective.
    OBJECTIVE = "objective"
    #: A declared output is missing or cannot be stored.
    OUTPUT = "output"
    #: The process left by itself (`os._exit`, `sys.exit`) or was killed by a signal.
    EXIT = "exit"
    #: The memory limit of its instance type was passed.
    MEMORY = "memory"
    #: The scratch space of its instance type was passed.
    DISK = "disk"
    #: What it reads (an input channel, a capture) is not there or cannot be read.
    INPUT = "input"
    TIMEOUT = "timeout"
    #: Somebody asked for it.
    STOP = "stop"
    #: The platform failed (worker, runner or host died, or the store could not be reached).
    PLATFORM = "platform"


class Artifact(Frozen):
    """Named bytes that a job produced, stored under their digest."""

    name: str
    format: str
    digest: str
    size: int = Field(ge=0)
    type: str
    #: For a model: what `formats.signature` found (columns, features, classes, …); else None.
    signature: dict[str, JsonValue] | None = None
    #: For a model whose training data were seen: digest of their counts per feature and prediction.
    baseline: str | None = None


class CellError(Frozen):
    """The user's own exception: their frames with the cell's line numbers, ours left out."""

    ename: str
    evalue: str
    traceback: list[str]
    line: int | None = None


class Outcome(Frozen):
    """The one final word on an attempt. Exactly one is ever committed (create-exclusive)."""

    attempt: str
    state: AttemptState
    reason: Reason
    #: One sentence for people.
    message: str = ""
    error: CellError | None = None
    exit_code: int | None = None
    outputs: list[Artifact] = Field(default_factory=list)
    #: What the cell left and could not be brought back: name (or `output_dir/path`) → why.
    skipped: dict[str, str] = Field(default_factory=dict)
    #: Last value of each metric.
    metrics: dict[str, float] = Field(default_factory=dict)
    #: Files that the cell left below `slml.output_dir`: relative POSIX path as the name, format `file`.
    files: list[Artifact] = Field(default_factory=list)
    #: Python and the packages of the process that ran the cell: name → version.
    environment: dict[str, str] = Field(default_factory=dict)
    #: Digest of the executed cell as a notebook (nbformat 4.5, one cell with its outputs); None when nothing was run.
    notebook: str | None = None
    #: Digest of the rich displays as a JSON list of nbformat outputs; None if there were none.
    displays: str | None = None
    #: Epoch seconds by the host's clock: fork, first line of the cell, end. Never falling, whatever the clock did.
    forked_at: float | None = None
    first_line_at: float | None = None
    ended_at: float | None = None
    #: Bytes over the start of the process, summed over its processes.
    peak_memory: int | None = None
    cpu_seconds: float | None = None


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Metrics that JSON can carry: NaN and infinities stay in the log of points and out of the records."""
    return {name: value for name, value in values.items() if math.isfinite(value)}

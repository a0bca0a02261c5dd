"""What a line asks for, compared with the cell and the notebook: contradictions are refused before anything is encoded."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_slml.errors import Invalid, NotFound
from jupyter_slml.notebook.names import PLATFORM, Reading

if TYPE_CHECKING:
    from jupyter_slml.client import Client
    from jupyter_slml.notebook.line import TrainLine

_PLAIN = (bool, int, float, str, list, dict, tuple, type(None))


def check_line(line: TrainLine, reading: Reading, names: Mapping[str, Any]) -> None:
    """Raise Invalid for what contradicts itself, the cell, or the notebook (`names`)."""
    _check_numbers(line)
    _check_parameters(line, reading, names)
    _check_outputs(line, reading, names)


def check_with_platform(line: TrainLine, client: Client) -> None:
    """Raise what the daemon would raise, before the captures have been sent: NotFound, Invalid, Conflict."""
    from jupyter_slml.domain.instances import INSTANCE_TYPES

    if line.instance not in INSTANCE_TYPES:
        known = [kind.name for kind in client.instances()]
        if line.instance not in known:
            near = difflib.get_close_matches(line.instance, known, n=1)
            guess = f"Did you mean {near[0]}? " if near else ""
            raise Invalid(
                f"--instance {line.instance}: there is no such instance type.",
                field="--instance",
                value=line.instance,
                remedy=f"{guess}Known types: {', '.join(known)}; `jupyter slml config` defines your own.",
            )
    for word in line.after:
        try:
            job = client.jobs.get(word)
        except NotFound:
            raise NotFound(
                f"--after {word}: there is no such job.",
                field="--after",
                value=word,
                remedy="Name a job by its id or name; `%jobs` lists them.",
            ) from None
        if job.state.is_final and job.state.value != "succeeded":
            raise Invalid(
                f"--after {word}: job {job.id} is {job.state.value.replace('_', ' ')}, so a job after it would never start.",
                field="--after",
                value=word,
                remedy="Run that one again first, or leave the option out.",
            )


def _check_numbers(line: TrainLine) -> None:
    for name in ("timeout", "grace", "backoff"):
        value = getattr(line, name)
        if value is not None and not math.isfinite(value):
            raise Invalid(
                f"--{name} {value}: it should be a number of seconds.",
                field=f"--{name}",
                value=value,
                remedy=f"For example: --{name} 60",
            )


def _check_parameters(line: TrainLine, reading: Reading, names: Mapping[str, Any]) -> None:
    for name in line.parameters:
        if name in PLATFORM:
            raise _conflict(name, f"the platform's own `{name}` is bound under that name in every job")
        if name in line.capture:
            raise _conflict(name, f"--capture {name} asks for the notebook's variable of the same name")
        hides = name in names and name in reading.names and name not in reading.binds
        if hides and not _may_be_default(names[name]):
            kind = type(names[name]).__name__
            raise _conflict(name, f"the cell reads the notebook's `{name}` ({kind}), which the parameter would hide")
    both = sorted({*line.capture} & {*line.no_capture})
    if both:
        raise Invalid(
            f"--capture {both[0]} and --no-capture {both[0]} contradict each other.",
            field="--no-capture",
            value=both[0],
            remedy="Leave one of the two out.",
        )


def _may_be_default(value: object) -> bool:
    """Whether the notebook's value is one that a parameter may stand in for: `depth = 3` above, `-p depth=5` here."""
    return isinstance(value, _PLAIN) or (hasattr(value, "dtype") and not getattr(value, "ndim", 0))


def _conflict(name: str, why: str) -> Invalid:
    return Invalid(f"-p {name}=…: {why}.", field="--param", value=name, remedy="Give the parameter another name.")


def _check_outputs(line: TrainLine, reading: Reading, names: Mapping[str, Any]) -> None:
    known = {*reading.binds, *reading.reads, *line.parameters, *line.capture}
    for name in line.outputs:
        if name not in known and not reading.star:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            guess = f"Did you mean {near[0]}?" if near else f"It assigns: {', '.join(sorted(reading.binds)) or 'nothing'}."
            raise Invalid(f"--output {name}: the cell assigns no such variable.", field="--output", value=name, remedy=guess)
        given = name not in reading.binds and isinstance(names.get(name), types.ModuleType)
        if given or name in reading.modules:
            assigned = sorted(reading.binds.keys() - reading.modules)
            raise Invalid(
                f"--output {name}: `{name}` is a module, and modules are no values.",
                field="--output",
                value=name,
                remedy=f"It assigns: {', '.join(assigned)}." if assigned else "Assign what shall come back to a variable.",
            )

"""`%%train`: the cell below becomes a job."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.specs import JobSpec, TrainOptions
from jupyter_slml.errors import Invalid, SlmlError
from jupyter_slml.notebook.display import followed
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.line import OPTIONS, TrainLine
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.origin import origin, prompt_number
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.shipping import burden, manifest, missing, ship
from jupyter_slml.notebook.table import Table

if TYPE_CHECKING:
    from jupyter_slml.notebook.cargo import Cargo
    from jupyter_slml.notebook.source import CellSource


def train(session: Session, line: TrainLine, cell: Cell) -> JobHandle | Table:
    """Submit the cell; wait when asked to, or when nobody looks."""
    if line.inject and line.wait is False:
        raise Invalid(
            "--inject binds what the job left, so it cannot go with --no-wait.",
            field="--inject",
            remedy="Leave one of the two out; later, `job.outputs['NAME'].load()` gives the value.",
        )
    header = [] if bare(session) else cell.header
    return carry_out(session, line, prepare(session, line, cell.body, header))


def carry_out(session: Session, line: TrainLine, order: Order) -> JobHandle | Table:
    """Show what would travel, or submit; then wait as the line asks for it."""
    try:
        if line.dry_run:
            return manifest(order.cargo, missing(order.cargo, session.client), f"Job {line.name!r}")
        handle = order.submit()
    finally:
        order.cargo.close()
    wait = line.wait if line.wait is not None else (line.inject or session.surroundings.headless)
    if not wait:
        return handle
    if followed(session, handle) and line.inject:
        session.namespace.update({name: output.load() for name, output in handle.outputs.items()})
    return handle


class Order:
    """A cell that is known to travel."""

    def __init__(self, session: Session, line: TrainLine, source: CellSource, cargo: Cargo) -> None:
        self.session = session
        #: Fields of the spec that the line's options do not have, and how the magic spells its options.
        self.more: dict[str, Any] = {}
        self.options: Options[Any] = OPTIONS
        self.line = line
        self.source = source
        self.cargo = cargo

    def submit(self) -> JobHandle:
        """Ship and submit. Raises Invalid, StorageFull, Unavailable."""
        from jupyter_slml.notebook.checks import check_with_platform
        from jupyter_slml.notebook.fingerprint import fingerprint

        client = self.session.client
        check_with_platform(self.line, client)
        heavy = burden(self.cargo, self.session.warn_bytes)
        if heavy:
            sys.stderr.write(f"{heavy}\n")
        ship(self.cargo, client)
        options = {name: getattr(self.line, name) for name in TrainOptions.model_fields}
        spec = JobSpec.parse(
            {
                **options,
                **self.more,
                "source": self.source.text,
                "captures": self.cargo.captures,
                "bundle": self.cargo.bundle,
                "origin": origin(self.session.shell, self.session.surroundings),
                "fingerprint": fingerprint(),
            }
        )
        try:
            record = client.jobs.submit(spec, key=uuid.uuid4().hex)
        except SlmlError as error:
            entry = self.options.entry((error.field or "").removeprefix("tuning."))
            error.field = entry.shown if entry else error.field
            raise
        handle = JobHandle(self.session, record)
        self.session.last = handle
        return handle


def prepare(
    session: Session,
    line: TrainLine,
    body: str,
    header: Sequence[str],
    extra: Mapping[str, Any] | None = None,
    bound: Sequence[str] = (),
) -> Order:
    """Read the cell and collect what it needs; sends nothing. `bound` are names that the job binds beside the parameters.

    Raises the user's SyntaxError, Invalid for an undefined name, CaptureError for one that cannot travel.
    """
    # Not needed to load the extension, whose time is promised.
    from jupyter_slml.notebook.capture import Collector
    from jupyter_slml.notebook.checks import check_line
    from jupyter_slml.notebook.inputs import resolve_inputs
    from jupyter_slml.notebook.names import read_names
    from jupyter_slml.notebook.source import read_source

    count = prompt_number(session.shell)
    title = f"{line.name} In[{count}]" if count is not None else line.name
    source = read_source(body, list(header), session.shell, title)
    if not source.tree.body:
        raise Invalid("The cell has no code below the magic line.", field="cell", remedy="Write the code to run there.")
    reading = read_names(source, [*line.parameters, *bound])
    check_line(line, reading, {**session.namespace, **(extra or {})})
    if line.inputs:
        line = line.evolve(inputs=resolve_inputs(line.inputs, Path.cwd()))
    collector = Collector(
        session.namespace,
        session.surroundings.directory,
        hidden=session.hidden,
        extra=extra,
        title="the cell",
        store=None if line.dry_run else lambda: session.client.blobs,
        sent=session.sent,
    )
    without = {*line.no_capture, *line.parameters, *bound}
    cargo = collector.collect(reading, also=line.capture, without=without, files=line.files)
    return Order(session, line, source, cargo)


def bare(session: Session) -> bool:
    """Whether the magic line was put above the cell by the front end's button, and is no line of the notebook's cell."""
    try:
        return bool(session.shell.get_parent()["metadata"].get("slml_bare"))
    except (AttributeError, KeyError, TypeError):
        return False


TRAIN = Magic("train", "cell", OPTIONS, train)

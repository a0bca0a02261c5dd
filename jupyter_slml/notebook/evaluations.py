"""`%evaluate`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import Name
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.display import followed
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session

if TYPE_CHECKING:
    from jupyter_slml.domain.specs import Capture


class EvaluateLine(Frozen):
    model: str = Field(
        description="NAME, NAME@VERSION, NAME@ALIAS or NAME@STAGE.",
        json_schema_extra={"positional": True, "metavar": "MODEL"},
    )
    input: Any = Field(
        default=None,
        description="The table: a file (CSV, Parquet, JSON Lines), a folder, a URI, or a variable that holds a DataFrame.",
        json_schema_extra={"flags": ["--input"], "metavar": "TABLE"},
    )
    target: str = Field(
        default="",
        description="The column that holds what is true.",
        json_schema_extra={"flags": ["--target", "-t"], "metavar": "COLUMN"},
    )
    name: Name | None = Field(
        default=None,
        description="Name of the job and of the evidence. Unset: MODEL-on-TABLE.",
        json_schema_extra={"flags": ["--name", "-n"], "metavar": "NAME"},
    )
    instance: str = Field(
        default="cpu.small",
        description="Instance type.",
        json_schema_extra={"flags": ["--instance", "-i"], "metavar": "TYPE"},
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow a model that is stored as a pickle, which runs code when it is loaded.",
        json_schema_extra={"flags": ["--allow-pickle"]},
    )
    no_wait: bool = Field(
        default=False, description="Return at once, before it is measured.", json_schema_extra={"flags": ["--no-wait"]}
    )


def evaluate(session: Session, line: EvaluateLine) -> JobHandle:
    """Measure a version on a table, as a job; its metrics and figures become evidence for gates and the model's card.

    Raises NotFound, Invalid, and with waiting JobFailed.
    """
    from jupyter_slml.client.evaluations import DATA, submit
    from jupyter_slml.notebook.inputs import resolve_inputs
    from jupyter_slml.notebook.origin import origin

    if line.input is None or not line.target:
        raise Invalid(
            "%evaluate needs a table and the name of its column with what is true.",
            field="--input" if line.input is None else "--target",
            remedy=f"For example: %evaluate {line.model} --input test.csv --target late",
        )
    client = session.client
    version = client.models.resolve(line.model)
    found: Any = line.input
    source = found if isinstance(found, str) else "DataFrame"
    if isinstance(found, str) and found.isidentifier() and found in session.namespace:
        found = session.namespace[found]
    uri: str | None = None
    capture: Capture | None = None
    if isinstance(found, (str, Path)):
        source = str(found)
        uri = resolve_inputs({DATA: str(found)}, Path.cwd())[DATA]
    else:
        capture = _shipped(session, found, DATA)
    record = submit(
        client,
        version,
        target=line.target,
        source=source,
        uri=uri,
        capture=capture,
        name=line.name,
        instance=line.instance,
        allow_pickle=line.allow_pickle,
        origin=origin(session.shell, session.surroundings),
    )
    handle = JobHandle(session, record)
    session.last = handle
    if not line.no_wait:
        followed(session, handle)
    return handle


def _shipped(session: Session, table: Any, name: str) -> Capture:
    """A frame in the store. Raises Invalid for anything else."""
    import hashlib

    from jupyter_slml.domain import formats
    from jupyter_slml.domain.specs import Capture

    if not (hasattr(table, "columns") and hasattr(table, "shape")):
        raise Invalid(
            f"--input is a {formats.type_name(table)}, not a table.",
            field="--input",
            value=formats.type_name(table),
            remedy="Give a DataFrame, or the path of a file.",
        )
    chosen = formats.choose(table, formats.CAPTURE_FORMATS)
    with tempfile.NamedTemporaryFile(prefix="slml-") as file:
        chosen.write(table, file)  # type: ignore[arg-type]
        file.flush()
        path = Path(file.name)
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        if session.client.blobs.missing([digest]):
            session.client.blobs.put(digest, path)
        size = path.stat().st_size
    return Capture(name=name, format=chosen.key, digest=digest, size=size, type=formats.type_name(table))


def _evaluate(session: Session, line: EvaluateLine, cell: Cell) -> JobHandle:
    return evaluate(session, line)


_SUMMARY = "Measure a model on a table; the metrics and figures become evidence for it."
_EXAMPLE = "%evaluate churn@7 --input test.csv --target late\n%evaluate churn --input held_back --target late --no-wait"

MAGICS = (Magic("evaluate", "line", Options("%evaluate", EvaluateLine, _SUMMARY, _EXAMPLE), _evaluate),)

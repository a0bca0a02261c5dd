"""`%batch MODEL` and `%%batch`: predictions for as many rows as there are."""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from jupyter_slml.domain.specs import BatchOptions, BatchSpec, JobKind, JobSpec, TrainOptions
from jupyter_slml.domain.specs.batch import FRAME
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.display import followed
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.line import TrainLine
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table

if TYPE_CHECKING:
    from jupyter_slml.domain.records import Job
    from jupyter_slml.domain.specs import Capture

#: Options of every job that a batch job of a registered model has, too.
_JOB = (
    "instance",
    "env",
    "timeout",
    "grace",
    "retries",
    "memory_retries",
    "timeout_retries",
    "platform_retries",
    "backoff",
    "after",
    "priority",
)
#: Options that need a cell.
_OF_CELLS = {"parameters": "--param", "capture": "--capture", "no_capture": "--no-capture", "files": "--files"}
_FILE = re.compile(r"\.(parquet|pq|csv|tsv|jsonl|ndjson|json|arrow|feather|ipc)(\.gz|\.bz2|\.zst)?$")


class BatchLine(BatchOptions, TrainLine):
    """The options of a batch job beside those of a cell; fields without flags are those of `%%train` that mean nothing
    here."""

    model: str | None = Field(
        default=None,
        description="NAME, NAME@VERSION, NAME@ALIAS or NAME@STAGE of a registered model. Not with a cell.",
        json_schema_extra={"positional": True, "metavar": "MODEL"},
    )
    name: str = Field(
        default="",
        description="Name of the job. Unset: after the model and the input.",
        json_schema_extra={"flags": ["--name", "-n"], "metavar": "NAME"},
    )
    input: list[Any] = Field(
        default_factory=list,
        description="A file, a folder, a pattern, a URI, or a variable that holds a DataFrame. May be repeated.",
        json_schema_extra={"flags": ["--input"], "metavar": "URI", "whole": True},
    )
    output: Any = Field(
        default=None,
        description="Where the parts go: a directory, or a URI such as s3://bucket/predictions.",
        json_schema_extra={"flags": ["--output", "-o"], "metavar": "URI"},
    )
    outputs: list[str] = Field(default_factory=list)
    register_as: None = None
    register_tags: dict[str, str] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    input_mode: Any = "file"
    metric_patterns: dict[str, str] = Field(default_factory=dict)
    autolog: bool = False
    inject: bool = False
    allow_pickle: bool = BatchOptions.model_fields["allow_pickle"]  # type: ignore[assignment]


def batch(session: Session, line: BatchLine) -> JobHandle | Table:
    """Predict with a registered version; with `dry_run` say what would be done.

    Raises NotFound, Invalid, and with waiting JobFailed.
    """
    from jupyter_slml.client.batch import job_name, submit
    from jupyter_slml.notebook.origin import origin

    if line.model is None:
        raise Invalid(
            "%batch needs a model, or a cell below that defines predict(batch).",
            field="MODEL",
            remedy="For example: %batch churn@production --input data/ --output predictions (or %%batch with a cell).",
        )
    for name, option in _OF_CELLS.items():
        if getattr(line, name):
            raise Invalid(
                f"{option} is about a cell, and the registered model has none.",
                field=option,
                remedy="Leave it out, or write %%batch with a cell that defines predict(batch).",
            )
    _check_both(line)
    client = session.client
    version = client.models.resolve(line.model)
    uris, frame = _inputs(session, line)
    given = line.model_fields_set
    job = {name: getattr(line, name) for name in _JOB if name in given}
    job["name"] = line.name or job_name(version.model, uris[0] if uris else "frame")
    output = _output(line, uris)
    if line.dry_run:
        read = [("input", uri) for uri in uris] or [("input", f"a DataFrame of {len(frame):,} rows, which travels")]
        rows = [("model", version.reference), *read, ("output", output), ("instance", line.instance)]
        return Table(("WHAT", "WHICH"), rows, title=f"Job {job['name']!r}")
    record = submit(
        client,
        version,
        inputs=uris,
        output=output,
        options=_options(line),
        job=job,
        frame=None if frame is None else _shipped(session, frame),
        origin=origin(session.shell, session.surroundings),
    )
    return _followed(session, line, record)


def batch_cell(session: Session, line: BatchLine, cell: Cell) -> JobHandle | Table:
    """Predict with the cell's `predict`; with `dry_run` show what would travel. Raises as `%%train` does."""
    from jupyter_slml.notebook.checks import check_with_platform
    from jupyter_slml.notebook.fingerprint import fingerprint
    from jupyter_slml.notebook.origin import origin
    from jupyter_slml.notebook.shipping import manifest, missing, ship
    from jupyter_slml.notebook.train import prepare

    if line.model is not None:
        raise Invalid(
            f"%%batch runs the cell below it, and {line.model!r} names a model.",
            field="MODEL",
            value=line.model,
            remedy="Use %batch (one percent sign) for the model, or leave its name out.",
        )
    _check_both(line)
    uris, frame = _inputs(session, line)
    output = _output(line, uris)
    client = session.client
    order = prepare(session, line.evolve(name=line.name or "batch"), cell.body, cell.header)
    try:
        binds = {name.id for node in order.source.tree.body for name in _defined(node)}
        if "predict" not in binds:
            raise Invalid(
                "The cell defines no function `predict(batch)`.",
                field="cell",
                remedy="Write `def predict(batch): …`; it gets a DataFrame and gives a value or a line for each row.",
            )
        if line.dry_run:
            return manifest(order.cargo, missing(order.cargo, client), f"Job {order.line.name!r}")
        check_with_platform(order.line, client)
        ship(order.cargo, client)
        captures = [*order.cargo.captures, *([] if frame is None else [_shipped(session, frame)])]
        options = {name: getattr(line, name) for name in TrainOptions.model_fields if name in line.model_fields_set}
        options = {name: value for name, value in options.items() if name in (*_JOB, "parameters")}
        spec = JobSpec.parse(
            {
                **options,
                "name": line.name or "batch",
                "kind": JobKind.BATCH,
                "source": order.source.text,
                "captures": captures,
                "bundle": order.cargo.bundle,
                "autolog": False,
                "batch": BatchSpec.parse({**_options(line), "input": uris, "output": output}),
                "origin": origin(session.shell, session.surroundings),
                "fingerprint": fingerprint(),
            }
        )
        record = client.jobs.submit(spec, key=uuid.uuid4().hex)
    finally:
        order.cargo.close()
    return _followed(session, line, record)


def _defined(node: Any) -> Any:
    import ast
    from types import SimpleNamespace

    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [SimpleNamespace(id=node.name)]
    return [item for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)] + [
        SimpleNamespace(id=alias.asname or alias.name) for alias in getattr(node, "names", []) if hasattr(alias, "asname")
    ]


def _options(line: BatchLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in BatchOptions.model_fields}


def _check_both(line: BatchLine) -> None:
    for option, value in (("--input", line.input), ("--output", line.output)):
        if not value:
            raise Invalid(
                f"%batch needs {option}.",
                field=option,
                remedy="For example: %batch churn@production --input data/*.parquet --output predictions",
            )


def _inputs(session: Session, line: BatchLine) -> tuple[list[str], Any]:
    """URIs as a worker understands them, or a DataFrame."""
    from jupyter_slml.notebook.inputs import resolve_inputs

    uris = []
    for item in line.input:
        found: Any = item
        if isinstance(found, str) and found.isidentifier() and hasattr(session.namespace.get(found), "columns"):
            found = session.namespace[found]
        if isinstance(found, (str, os.PathLike)):
            try:
                uris.append(resolve_inputs({"": os.fspath(found)}, Path.cwd())[""])
            except Invalid as error:
                raise Invalid(
                    error.message.replace("--input =", "--input "), field="--input", value=error.value, remedy=error.remedy
                ) from None
        elif len(line.input) > 1:
            raise Invalid(
                "A DataFrame is the only input, or none of them.",
                field="--input",
                remedy="Concatenate what belongs together.",
            )
        else:
            return [], found
    return uris, None


def _output(line: BatchLine, uris: list[str]) -> str:
    """An absolute path or a URI. Raises Invalid for what can be seen to be wrong here."""
    text = os.fspath(line.output) if isinstance(line.output, (str, os.PathLike)) else str(line.output)
    if _FILE.search(text):
        raise Invalid(
            f"--output {text} looks like a file, and the output is a directory of parts.",
            field="--output",
            value=text,
            remedy="Name a directory; --output-format says what its parts are (parquet, csv, jsonl, arrow).",
        )
    if "://" in text:
        return text.rstrip("/")
    path = Path(os.path.normpath(Path.cwd() / Path(text).expanduser()))
    for uri in uris:
        place = Path(uri.split("*")[0] if "*" in uri else uri)
        if "://" not in uri and (place == path or place in path.parents):
            raise Invalid(
                f"--output {text} lies in the input {uri}, and would be read by the next job.",
                field="--output",
                value=text,
                remedy="Name a directory beside the input.",
            )
    if not (line.overwrite or line.resume) and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Invalid(
            f"--output {text} exists.",
            field="--output",
            value=text,
            remedy="Name another directory, or pass --overwrite to delete what an earlier batch job left there, or --resume "
            "to go on with it.",
        )
    return str(path)


def _shipped(session: Session, table: Any) -> Capture:
    """A DataFrame in the store, as an Arrow file. Raises Invalid for what is none, or does not fit into one."""
    import hashlib

    import pyarrow as pa

    from jupyter_slml.domain.formats import type_name
    from jupyter_slml.domain.specs import Capture

    try:
        found = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table)
    except (pa.ArrowException, AttributeError, TypeError) as error:
        raise Invalid(
            f"--input is a {type_name(table)} that no table can be made of: {str(error)[:200]}.",
            field="--input",
            value=type_name(table),
            remedy="Give a DataFrame whose columns hold one type each, or the path of a file.",
        ) from None
    with tempfile.NamedTemporaryFile(prefix="slml-") as file:
        with pa.ipc.new_file(file, found.schema) as writer:
            writer.write_table(found, max_chunksize=65_536)
        file.flush()
        path = Path(file.name)
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        if session.client.blobs.missing([digest]):
            session.client.blobs.put(digest, path)
        size = path.stat().st_size
    return Capture(name=FRAME, format="file", digest=digest, size=size, type=type_name(table))


def _followed(session: Session, line: BatchLine, record: Job) -> JobHandle:
    handle = JobHandle(session, record)
    session.last = handle
    wait = line.wait if line.wait is not None else session.surroundings.headless
    if wait:
        followed(session, handle)
    return handle


def _batch(session: Session, line: BatchLine, cell: Cell) -> JobHandle | Table:
    return batch(session, line)


_SUMMARY = "Predict with a registered model for files of any size, as a managed job."
_EXAMPLE = "%batch churn@production --input data/*.parquet --output predictions --keep id"
_CELL_SUMMARY = "Predict with the cell's `predict(batch)` for files of any size, as a managed job."
_CELL_EXAMPLE = "%%batch --input data/*.csv --output predictions --keep id"

OPTIONS = Options("%batch", BatchLine, _SUMMARY, _EXAMPLE)

#: The line form comes last: it takes the place of the help that a cell magic's line form gives.
MAGICS = (
    Magic("batch", "cell", Options("%%batch", BatchLine, _CELL_SUMMARY, _CELL_EXAMPLE), batch_cell),
    Magic("batch", "line", OPTIONS, _batch),
)

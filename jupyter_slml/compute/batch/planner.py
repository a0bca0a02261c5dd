"""Looks at the input before the first part: files, columns, stretches of rows. Runs in a fork of its own."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from jupyter_slml.compute.batch.columns import check_types, chosen, text_types
from jupyter_slml.compute.batch.records import is_paired, stretches
from jupyter_slml.compute.batch.rows import ReadFailed, file_name, first_line, is_local
from jupyter_slml.compute.batch.samples import is_number, lenient, line_end, sample, sampled, unified, width
from jupyter_slml.compute.batch.tables import ArrowReader, ParquetReader, units
from jupyter_slml.compute.batch.text import compression, open_text
from jupyter_slml.compute.source import Source, resolve
from jupyter_slml.domain.batch import InputFile, Part, Piece, Plan, TextShape
from jupyter_slml.domain.specs.batch import BatchSpec
from jupyter_slml.errors import Invalid

#: Name of the channel in messages.
_CHANNEL = "input"
#: Files that are looked at to learn what text columns hold.
_SAMPLES = 5
#: Rows of a part at least, and parts of a slot where there are more rows.
_FEWEST, _PER_SLOT = 50_000, 8

_ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


def list_files(spec: BatchSpec, frame: str | None) -> list[InputFile]:
    """Every file of the input, in order. Raises InputFailed, Invalid when there is none."""
    if frame is not None:
        # By its digest: where it lies differs from host to host.
        return [InputFile(path="DataFrame", size=None, stamp=PurePosixPath(frame).name)]
    found: dict[str, InputFile] = {}
    for uri in spec.input:
        for path, size, stamp in _below(uri):
            found.setdefault(path, InputFile(path=path, size=size, stamp=stamp))
    if not found:
        raise Invalid(
            f"The input {', '.join(spec.input)} has no files.",
            field="--input",
            remedy="Names that begin with . or _ are left out, as Spark and Dask do.",
        )
    return list(found.values())


def _below(uri: str) -> Iterator[tuple[str, int | None, str | None]]:
    source = resolve(_CHANNEL, uri)
    for part in source.parts:
        if source.in_place and source.fs.isdir(part.path):
            for path, info in sorted(source.fs.find(part.path, detail=True).items()):
                if not _is_hidden(path[len(part.path) :]):
                    yield path, info["size"], _stamp(info)
        elif source.kind == "file" or not _is_hidden(part.place):
            yield part.path if source.in_place else _address(uri, source, part.path), part.size, part.stamp


def _address(uri: str, source: Source, path: str) -> str:
    """A file of a store, so that another process finds it. The first link of a chain names it (`zip://*.csv::s3://b/a.zip`)."""
    if source.kind == "file":
        return uri
    first, chained, rest = uri.partition("::")
    if not chained:
        return str(source.fs.unstrip_protocol(path))
    scheme, names, _ = first.partition("://")
    if names:
        return f"{scheme}://{path}::{rest}"
    return f"{first}::{rest.partition('://')[0]}://{path}"


def _is_hidden(place: str) -> bool:
    return any(word.startswith((".", "_")) for word in PurePosixPath(place.lstrip("/")).parts)


def _stamp(info: dict[str, Any]) -> str:
    return str(info.get("mtime"))


def file_format(spec: BatchSpec, files: Sequence[InputFile]) -> str:
    """Raises Invalid for files of several formats, or of none that their names tell."""
    if spec.format != "auto":
        return spec.format
    found: dict[str, str] = {}
    for file in files:
        name = PurePosixPath(file_name(file.path))
        ending = PurePosixPath(name.stem).suffix if compression(file.path) else name.suffix
        kind = _ENDINGS.get(ending.lower())
        if kind is None:
            raise Invalid(
                f"The name of {file.path} does not tell its format.",
                field="--format",
                value=file.path,
                remedy="Say it: --format parquet (or csv, jsonl, arrow).",
            )
        found.setdefault(kind, file.path)
    if len(found) > 1:
        examples = ", ".join(f"{path} ({kind})" for kind, path in found.items())
        raise Invalid(
            f"The input has files of several formats: {examples}.",
            field="--input",
            remedy="Name the files of one format, for example with a pattern: --input 'data/*.parquet'.",
        )
    return next(iter(found))


class Planner:
    def __init__(self, spec: BatchSpec, job: str, work: str, parallel: int) -> None:
        self.spec, self.job, self.work, self.parallel = spec, job, work, parallel

    def plan(self, files: list[InputFile], kind: str) -> Plan:
        """Raises Invalid for columns that do not fit; a damaged file is part of the plan."""
        survey = self._tables if kind in ("parquet", "arrow") else self._texts
        found, pieces, schema, shape = survey(files, kind)
        if schema is None:
            raise Invalid(
                f"No file of the input can be read; {found[0].path}: {found[0].problem}.",
                field="--input",
                value=found[0].path,
            )
        features, kept = chosen(self.spec, schema.names)
        if kind in ("csv", "jsonl"):
            schema = text_types(self.spec, features, schema)
        wanted = {*features, *kept}
        read = pa.schema([field for field in schema if field.name in wanted])
        output: str = self.spec.output_format
        if output == "auto":
            output = kind if self.spec.input else "parquet"
        return Plan(
            job=self.job,
            work=self.work,
            format=kind,
            output_format=output,
            files=found,
            parts=self._parts(pieces),
            columns=encode(read if kind in ("parquet", "arrow") else pa.schema(list(schema))),
            features=features,
            kept=kept,
            text=shape,
        )

    def _target_rows(self, total: int) -> int:
        """Rows of a part: every slot shall have many, for what is under way is lost with it, and none too small."""
        return max(1, min(self.spec.part_rows, max(_FEWEST, -(-total // (_PER_SLOT * self.parallel)))))

    def _parts(self, pieces: list[Piece]) -> list[Part]:
        """Neighbouring small stretches (many small files) share a part."""
        known = [piece.rows for piece in pieces if piece.rows is not None]
        most = self._target_rows(sum(known))
        parts: list[list[Piece]] = []
        rows = most
        for piece in pieces:
            if piece.rows is None or not parts or rows + piece.rows > most:
                parts.append([])
                rows = 0
            parts[-1].append(piece)
            rows += most if piece.rows is None else piece.rows
        return [Part(number=number, pieces=part) for number, part in enumerate(parts)]

    def _tables(self, files: list[InputFile], kind: str) -> tuple[list[InputFile], list[Piece], pa.Schema | None, TextShape]:
        reader = ParquetReader() if kind == "parquet" else ArrowReader()
        schema: pa.Schema | None = None
        counts: list[list[int] | None] = []
        found: list[InputFile] = []
        for file in files:
            try:
                own, rows = reader.survey(file.path)
            except ReadFailed as error:
                found.append(file.evolve(problem=str(error)))
                counts.append([])
                continue
            if schema is None:
                schema = own
            self._check(own, schema, file.path)
            counts.append(rows)
            found.append(file.evolve(rows=None if rows is None else sum(rows)))
        most = self._target_rows(sum(file.rows or 0 for file in found))
        pieces = []
        for number, rows in enumerate(counts):
            if rows is None:
                pieces.append(Piece(file=number, first=0, last=0))
                continue
            for first, last, before, own_rows in units(rows, most):
                pieces.append(Piece(file=number, first=first, last=last, row=before, rows=own_rows))
        return found, pieces, schema, TextShape()

    def _check(self, own: pa.Schema, first: pa.Schema, path: str) -> None:
        """Raises Invalid, with the file's name."""
        try:
            if own is not first:
                missing = [name for name in _wanted(self.spec, first) if name not in own.names]
                if missing:
                    raise Invalid(f"It has no column {missing[0]!r}.", field="--input", value=missing[0])
            features, _ = chosen(self.spec, own.names)
            check_types(self.spec, features, own, path)
        except Invalid as error:
            if path in error.message:
                raise
            raise Invalid(f"{path}: {error.message}", field=error.field, value=error.value, remedy=error.remedy) from None

    def _texts(self, files: list[InputFile], kind: str) -> tuple[list[InputFile], list[Piece], pa.Schema | None, TextShape]:
        found: list[InputFile] = []
        samples: list[pa.Schema] = []
        names: list[str] | None = None
        shape = TextShape()
        starts: list[int] = []
        for file in files:
            try:
                data = sample(file.path)
            except (OSError, EOFError, pa.ArrowException) as error:
                found.append(file.evolve(problem=f"it is damaged ({first_line(error)})"))
                starts.append(0)
                continue
            start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
            if kind == "csv" and data[start:].strip():
                own, delimiter, header = self._head(data[start:], names)
                if names is None:
                    names, shape = own, shape.evolve(delimiter=delimiter, header=header)
                elif own != names:
                    raise _other_columns(file.path, own, names, self.spec)
                if shape.header:
                    start += line_end(data[start:])
            if len(samples) < _SAMPLES and data[start:].strip():
                samples.append(sampled(data[start:], kind, shape, names or []))
            if not found:
                shape = shape.evolve(width=width(data[start:]))
            starts.append(start)
            found.append(file)
        schema = unified(samples) if samples else None
        if kind == "csv" and schema is None and names is not None:
            schema = pa.schema([(name, pa.null()) for name in names])
        if schema is not None:
            features, _ = chosen(self.spec, schema.names)
            self._check_text(features, schema, kind, files)
        pieces, rows = self._cut(found, starts, kind, shape)
        found = [file.evolve(rows=count) for file, count in zip(found, rows, strict=True)]
        return found, pieces, schema, shape

    def _check_text(self, features: list[str], schema: pa.Schema, kind: str, files: list[InputFile]) -> None:
        check_types(self.spec, features, lenient(schema, features, files[0].path, kind), files[0].path)

    def _head(self, data: bytes, names: list[str] | None) -> tuple[list[str], str, bool]:
        """Columns, delimiter and whether there is a header."""
        line = data[: line_end(data)].decode("utf-8", errors="replace").rstrip("\r\n")
        delimiter = max(",\t;|", key=line.count)
        cells = next(csv.reader([line], delimiter=delimiter), [])
        header = self.spec.header == "yes" or (self.spec.header == "auto" and not all(map(is_number, cells)))
        if header:
            twice = [cell for cell in cells if cells.count(cell) > 1]
            if twice:
                raise Invalid(f"The header names {twice[0]!r} twice.", field="--input", value=twice[0])
            return [cell.strip() for cell in cells], delimiter, True
        known = (self.spec.model.signature or {}).get("columns") if self.spec.model else None
        if isinstance(known, list) and len(known) == len(cells):
            return [str(name) for name in known], delimiter, False
        return [f"column_{place}" for place in range(len(cells))], delimiter, False

    def _cut(
        self, files: list[InputFile], starts: list[int], kind: str, shape: TextShape
    ) -> tuple[list[Piece], list[int | None]]:
        total = sum(int((file.size or 0) / shape.width) for file in files if not file.problem)
        most = self._target_rows(total)
        pieces: list[Piece] = []
        rows: list[int | None] = []
        for number, (file, start) in enumerate(zip(files, starts, strict=True)):
            if file.problem:
                rows.append(None)
            elif compression(file.path) is not None:
                pieces.append(Piece(file=number, first=start, last=0))
                rows.append(None)
            else:
                with open_text(file.path) as source:
                    quoted = kind == "csv" and is_paired(source, start)
                    found = stretches(source, start, file.size or 0, most, quoted=quoted)
                pieces += [Piece(file=number, **item._asdict()) for item in found]
                rows.append(sum(item.rows for item in found))
        return pieces, rows


def _wanted(spec: BatchSpec, schema: pa.Schema) -> set[str]:
    features, kept = chosen(spec, schema.names)
    return {*features, *kept}


def _other_columns(path: str, own: list[str], names: list[str], spec: BatchSpec) -> Invalid:
    missing = [name for name in names if name not in own]
    what = f"it has no column {missing[0]!r}" if missing else f"its columns come in another order or are more: {own[:20]}"
    return Invalid(
        f"{path}: {what}; the first file has {', '.join(map(repr, names[:20]))}.",
        field="--input",
        value=path,
        remedy="CSV files of one input have the same header, in the same order.",
    )


def encode(schema: pa.Schema) -> str:
    return base64.b64encode(schema.remove_metadata().serialize()).decode()


def decode(text: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text)))


def work_digest(spec: BatchSpec, source: str, captures: Sequence[tuple[str, str]], parameters: dict[str, Any]) -> str:
    """What must be the same for a resume. How many may fail, and how it is carried out, may differ."""
    free = {"resume", "overwrite", "max_errors", "parallel", "part_retries", "allow_pickle", "part_rows", "batch_rows"}
    about = spec.model_dump(mode="json", exclude=free)
    code = "" if spec.model else source
    text = json.dumps([about, code, sorted(captures), parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def is_inside(inner: str, outer: str) -> bool:
    """Whether one place lies in another, or is it."""
    inner, outer = (path.removeprefix("file://") for path in (inner, outer))
    if not is_local(inner) or not is_local(outer):
        return inner.rstrip("/") == outer.rstrip("/") or inner.startswith(outer.rstrip("/") + "/")
    one, other = (PurePosixPath(path) for path in (inner, outer))
    return one == other or other in one.parents

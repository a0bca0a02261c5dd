"""A slot: one process that does one part after the other: read, predict, write, commit."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from jupyter_slml.compute import procfs
from jupyter_slml.compute.batch.ahead import ahead
from jupyter_slml.compute.batch.columns import outgoing
from jupyter_slml.compute.batch.faults import Faults
from jupyter_slml.compute.batch.manifest import Manifest
from jupyter_slml.compute.batch.models import Columns, Work
from jupyter_slml.compute.batch.planner import decode
from jupyter_slml.compute.batch.rows import Bad, ReadFailed, Rows, conform, first_line, is_local
from jupyter_slml.compute.batch.tables import ArrowReader, ParquetReader
from jupyter_slml.compute.batch.target import Target
from jupyter_slml.compute.batch.text import TextReader
from jupyter_slml.compute.batch.writers import Counted, writer
from jupyter_slml.compute.child import set_threads
from jupyter_slml.compute.failures import describe
from jupyter_slml.compute.leaving import leave
from jupyter_slml.compute.wire import Link
from jupyter_slml.domain.batch import Part, PartRecord, Piece, Plan, part_name
from jupyter_slml.domain.specs.batch import BatchSpec
from jupyter_slml.errors import ModelError, SlmlError

#: Seconds between two words of progress, and where a record failed.
_TELL, _SOON = 0.2, 0.02
#: Records of one batch that are looked for one by one; when more of it fail, the rest of them fail with the same reason.
_SINGLE = 100


class Fatal(Exception):
    """No part can succeed: `args[0]` is the host's message."""


class Slot:
    def __init__(self, link: Link, spec: BatchSpec, plan: Plan, work: Work, target: Target, about: dict[str, Any]) -> None:
        self._link, self._spec, self._plan, self._work, self._target = link, spec, plan, work, target
        self._about = about
        self._schema = decode(plan.columns)
        self._told = 0.0
        self._rows = self._errors = 0

    def run(self) -> NoReturn:
        """Never returns and never raises."""
        code = 1
        try:
            self._serve()
            code = 0
        except Fatal as error:
            self._link.send({"kind": "fatal", **error.args[0]})
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            leave(code)

    def _serve(self) -> None:
        procfs.die_with_parent(self._about["host"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        set_threads(self._about["threads"])
        try:
            self._work.begin(self._about["threads"])
        except BaseException as error:
            raise Fatal(self._described(error, "setup() raised")) from error
        while (order := self._link.receive()) is not None:
            part = self._plan.parts[order["part"]]
            try:
                record = self._do(part, order["batch_rows"], order["tries"])
            except Fatal:
                raise
            except (OSError, pa.ArrowException, SlmlError) as error:
                self._link.send({"kind": "broken", "part": part.number, "reason": first_line(error)})
                continue
            self._link.send({"kind": "done", "record": record.model_dump(mode="json")})

    def _described(self, error: BaseException, what: str) -> dict[str, Any]:
        told = describe(error, self._about["cell"], Path(self._about["work"]))
        return {"error": told, "message": f"{what}: {first_line(error)}"}

    def _do(self, part: Part, batch_rows: int, tries: int) -> PartRecord:
        begun = time.time()
        manifest = Manifest(self._target)
        if (held := manifest.holds(part.number)) is not None:
            return held
        self._rows = self._errors = 0
        name = part_name(part.number, self._plan.output_format)
        rows = 0
        with ExitStack() as stack:
            faults = Faults(self._target, part.number, stack)
            sink: Counted | None = None
            output: Any = None
            schema = pa.schema([])
            for batch in self._predicted(part, batch_rows, faults):
                if sink is None:
                    sink = Counted(stack.enter_context(self._target.writing(name)))
                    schema = batch.schema
                    output = writer(self._plan.output_format, sink, schema)
                output.write(_as_before(batch, schema))
                rows += batch.num_rows
            if output is not None:
                output.close()
            faults.end()
        return manifest.commit(
            PartRecord(
                part=part.number,
                rows=rows,
                errors=faults.count,
                file="" if sink is None else name,
                bytes=0 if sink is None else sink.count,
                sha256="" if sink is None else sink.sha256,
                input=self._plan.fingerprint(part),
                source=self._plan.files[part.pieces[0].file].path,
                sources=len({piece.file for piece in part.pieces}),
                seconds=time.time() - begun,
                attempt=self._about["attempt"],
                tries=tries,
                at=time.time(),
            )
        )

    def _predicted(self, part: Part, batch_rows: int, faults: Faults) -> Iterator[pa.RecordBatch]:
        """Batches of the output; what fails is added to the faults."""
        for piece in part.pieces:
            path = self._plan.files[piece.file].path
            seen = 0

            def note(found: Bad, path: str = path) -> None:
                faults.add(path, found)
                if self._errors == 0:
                    self._link.send({"kind": "bad", "where": f"Row {found.row} of {path}: {found.reason}"})
                self._errors += found.records

            try:
                found = self._read(piece, batch_rows)
                for rows in found if self._about["frame"] or is_local(path) else ahead(found):
                    seen += rows.batch.num_rows + len(rows.bad)
                    for item in rows.bad:
                        note(item)
                    if rows.batch.num_rows:
                        yield from self._batch(rows, note)
                    self._tell(rows.batch.num_rows + len(rows.bad))
            except ReadFailed as error:
                left = 1 if piece.rows is None else piece.rows - seen
                if left > 0:
                    note(Bad(piece.row + seen + 1, str(error), left))
                    self._tell(left)
        self._tell(0, after=0)

    def _read(self, piece: Piece, batch_rows: int) -> Iterator[Rows]:
        path = self._plan.files[piece.file].path
        path = self._about["frame"] or path
        wanted = pa.schema([field for field in self._schema if field.name in {*self._plan.features, *self._plan.kept}])
        match self._plan.format:
            case "parquet":
                return ParquetReader().read(path, piece, wanted, batch_rows)
            case "arrow":
                return ArrowReader().read(path, piece, wanted, batch_rows)
        return TextReader(self._plan.format, self._plan.text, self._schema.names).read(path, piece, wanted, batch_rows)

    def _batch(self, rows: Rows, note: Any) -> Iterator[pa.RecordBatch]:
        batch = rows.batch
        ready = self._work.prepare(batch)
        if ready.bad:
            for index, reason in ready.bad:
                note(Bad(rows.place(index), reason))
            wrong = {index for index, _ in ready.bad}
            good = [index for index in range(batch.num_rows) if index not in wrong]
            if not good:
                return
            batch = batch.take(pa.array(good))
            rows = Rows(batch, [rows.place(index) for index in good])
            ready = self._work.prepare(batch)
        yield from self._isolated(rows, ready.data, note)

    def _isolated(self, rows: Rows, data: Any, note: Any) -> Iterator[pa.RecordBatch]:
        """Predict; what raises is halved until the records are found that make it raise."""
        count = rows.batch.num_rows
        stack = [(0, count)]
        single = 0
        while stack:
            start, stop = stack.pop()
            whole = stop - start == count
            try:
                found = self._work.predict(data if whole else self._work.take(data, slice(start, stop)), stop - start)
            except ModelError as error:
                # Of no single record: fewer rows at once would only hide it.
                raise Fatal({"failed": {"reason": "output", "message": error.message}}) from error
            except Exception as error:
                if "error" not in self._about:
                    self._about["error"] = True
                    place = rows.place(start)
                    self._link.send({"kind": "raised", "row": place, **self._described(error, "predict raised")})
                if stop - start == 1 or single >= _SINGLE:
                    single += 1
                    for index in range(start, stop):
                        note(Bad(rows.place(index), first_line(error)))
                    # The host may have had enough of them.
                    self._tell(0, after=_SOON)
                else:
                    middle = (start + stop) // 2
                    stack += [(middle, stop), (start, middle)]
                continue
            yield self._joined(rows.batch if whole else rows.batch.slice(start, stop - start), found)

    def _joined(self, batch: pa.RecordBatch, found: Columns) -> pa.RecordBatch:
        try:
            names = outgoing(self._spec, self._plan.kept, list(found))
        except SlmlError as error:
            raise Fatal({"failed": {"reason": "input", "message": str(error)}}) from error
        kept = set(self._plan.kept)
        arrays = [batch.column(name) if name in kept else found[name] for name in names]
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def _tell(self, rows: int, *, after: float = _TELL) -> None:
        """How far the part is, `after` seconds after the last word at the earliest."""
        self._rows += rows
        now = time.monotonic()
        if now - self._told >= after:
            self._told = now
            self._link.send({"kind": "progress", "rows": self._rows, "errors": self._errors})


def _as_before(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the types that the part's first one had. Raises Fatal when it does not fit."""
    try:
        return conform(batch, schema)
    except ReadFailed as error:
        message = f"predict gave columns of other names or types than before: {error}."
        raise Fatal({"failed": {"reason": "output", "message": message}}) from error

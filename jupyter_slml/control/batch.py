"""Batch jobs: their parts, as the attempts told of them."""

from __future__ import annotations

import json

from jupyter_slml.control.chunks import Chunks
from jupyter_slml.domain.batch import FIGURES, PartRecord, spec_of
from jupyter_slml.domain.views import PartList
from jupyter_slml.ports.blobs import Blobs
from jupyter_slml.storage import jobs as table
from jupyter_slml.storage.database import Database


class Batches:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def parts(self, word: str) -> PartList:
        """The parts that were begun, in their order. Raises NotFound, Conflict for a job of another kind."""
        with self._database.read() as connection:
            job = table.find(connection, word)
            attempts = table.attempts_of(connection, job.id)
        spec = spec_of(job)
        parts: dict[int, PartRecord] = {}
        for line in Chunks(self._blobs, attempts, "parts").forwards():
            record = PartRecord.model_validate(json.loads(line.data))
            parts[record.part] = record
        if job.state.is_final:
            # What was under way when the job ended is not any more.
            parts = {number: record for number, record in parts.items() if record.state != "running"}
        return PartList(
            output=spec.output,
            parts=[parts[number] for number in sorted(parts)],
            figures={name: value for name, value in job.metrics.items() if name in FIGURES},
        )

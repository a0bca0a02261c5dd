"""Batch prediction: the plan of parts, what a committed part has left, how many records may fail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.errors import Conflict

if TYPE_CHECKING:
    from jupyter_slml.domain.records import Job
    from jupyter_slml.domain.specs import BatchSpec

#: What a batch job tells as metrics while it runs.
FIGURES = ("rows", "rows_total", "rows_per_second", "eta_seconds", "errors", "parts", "parts_total")
#: With a share of an unknown number of rows, so many are looked at before a job is ended early.
ENOUGH = 10_000


@dataclass(frozen=True)
class ErrorLimit:
    """`100` records, or `1%` of all."""

    count: int | None
    share: float | None

    @classmethod
    def parse(cls, text: str) -> ErrorLimit:
        """Raises ValueError."""
        word = text.strip()
        try:
            if word.endswith("%"):
                share = float(word[:-1]) / 100
                if 0 <= share <= 1:
                    return cls(None, share)
            else:
                count = int(word)
                if count >= 0:
                    return cls(count, None)
        except ValueError:
            pass
        raise ValueError(f"{text[:40]!r} is neither a number of records such as 100 nor a share such as 1%")

    def passed(self, errors: int, rows: int, total: int | None, *, final: bool = False) -> bool:
        """Whether `errors` are too many, after `rows` of `total` (None: unknown) were seen, the wrong ones among them."""
        if self.count is not None:
            return errors > self.count
        assert self.share is not None
        if total is not None:
            return errors > self.share * max(total, rows)
        return (final or rows >= ENOUGH) and errors > self.share * rows

    def __str__(self) -> str:
        return str(self.count) if self.share is None else f"{self.share * 100:g}%"


class InputFile(Frozen):
    """A file of the input, as it was when the plan was made."""

    path: str
    size: int | None
    #: What its store says of its version.
    stamp: str | None
    #: None when nobody can know before it is read.
    rows: int | None = None
    #: Why it cannot be read.
    problem: str = ""


class Piece(Frozen):
    """A stretch of one file: row groups, record batches or bytes from `first` to before `last`."""

    file: int
    first: int
    last: int
    #: Rows of the file before it, and its own if they are known.
    row: int = 0
    rows: int | None = None


class Part(Frozen):
    """What commits at once: stretches of files, in their order."""

    number: int
    pieces: list[Piece]

    @property
    def rows(self) -> int | None:
        known = [piece.rows for piece in self.pieces]
        return None if None in known else sum(rows for rows in known if rows is not None)


class TextShape(Frozen):
    """How CSV and JSON Lines are read."""

    delimiter: str = ","
    header: bool = True
    quoted: bool = True
    #: Bytes of a record, on the average.
    width: float = 100.0


class Plan(Frozen):
    """All parts of a job. Made once, kept beside the output; a retry and a resume go by it."""

    job: str
    #: Digest of all that must be the same for a resume: model or cell, and options.
    work: str
    format: str
    output_format: str
    files: list[InputFile]
    parts: list[Part]
    #: Arrow schema of the input, base64.
    columns: str
    #: Columns that the model takes, in its order, and those that the output keeps.
    features: list[str]
    kept: list[str]
    text: TextShape = Field(default_factory=TextShape)

    @property
    def total(self) -> int | None:
        """Rows of all parts; None when unknown."""
        known = [part.rows for part in self.parts]
        return None if None in known else sum(rows for rows in known if rows is not None)

    def fingerprint(self, part: Part) -> str:
        """Digest of what a part reads."""
        found = hashlib.sha256()
        for piece in part.pieces:
            file = self.files[piece.file]
            found.update(f"{file.path}\0{file.size}\0{file.stamp}\0{piece.first}\0{piece.last}\n".encode())
        return found.hexdigest()[:32]


class PartRecord(Frozen):
    """A part's line in the manifest, and what is told of it meanwhile."""

    part: int
    state: Literal["running", "committed", "failed"] = "committed"
    #: Rows that the output has, and those that failed.
    rows: int = 0
    errors: int = 0
    #: Name of the file below the output; empty when every row failed.
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    #: `Plan.fingerprint` of what was read.
    input: str = ""
    #: First file that it reads, and how many.
    source: str = ""
    sources: int = 1
    seconds: float = 0.0
    attempt: str = ""
    #: Try of this attempt, from 1.
    tries: int = 1
    at: float | None = None
    message: str = ""


def part_name(number: int, output_format: str) -> str:
    """The same for the same part, whoever writes it."""
    return f"part-{number:05d}.{output_format}"


def progress_text(figures: Mapping[str, float], *, ended: bool) -> str:
    """`4,200,000 of 10,000,000 rows (42 %), 1,050,000 rows/s, 6 s left, 3 errors, 4 of 10 parts`; empty before the first."""
    if "parts_total" not in figures:
        return ""
    rows, total = int(figures.get("rows", 0)), figures.get("rows_total")
    parts = [f"{rows:,} of {int(total):,} rows ({rows / max(total, 1) * 100:.0f} %)" if total else f"{rows:,} rows"]
    if figures.get("rows_per_second"):
        parts.append(f"{figures['rows_per_second']:,.0f} rows/s")
    left = figures.get("eta_seconds")
    if left and not ended:
        parts.append(f"{left:.0f} s left" if left < 120 else f"{left / 60:.0f} min left")
    errors = int(figures.get("errors", 0))
    if errors:
        parts.append(f"{errors:,} error{'s' if errors != 1 else ''}")
    return ", ".join([*parts, f"{int(figures.get('parts', 0))} of {int(figures['parts_total'])} parts"])


def spec_of(job: Job) -> BatchSpec:
    """What a batch job shall do. Raises Conflict for a job of another kind."""
    if job.spec.batch is None:
        raise Conflict(
            f"Job {job.id} ({job.name}) is of kind {job.spec.kind.value} and has no parts.",
            field="job",
            value=job.id,
            remedy="`%batch` and `%%batch` make jobs that have; `%jobs` lists all with their kind.",
        )
    return job.spec.batch

"""Batch jobs of registered models."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.formats import PICKLE_FORMATS
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import BatchModel, BatchSpec, Capture, JobKind, JobSpec, Origin
from jupyter_slml.domain.specs.batch import MODEL
from jupyter_slml.domain.views import VersionView
from jupyter_slml.errors import Invalid

if TYPE_CHECKING:
    from jupyter_slml.client.client import Client


def submit(
    client: Client,
    version: VersionView,
    *,
    inputs: Sequence[str],
    output: str,
    options: Mapping[str, Any] | None = None,
    job: Mapping[str, Any] | None = None,
    frame: Capture | None = None,
    origin: Origin | None = None,
) -> Job:
    """Submit the job that predicts with `version`: over the files at `inputs`, or over a captured DataFrame.

    `options` are those of `BatchOptions`, `job` those of every job. Raises Invalid.
    """
    given = dict(options or {})
    if version.format in PICKLE_FORMATS and not given.get("allow_pickle"):
        raise Invalid(
            f"{version.reference} is stored as a pickle, which runs code when it is loaded.",
            field="--allow-pickle",
            value=version.reference,
            remedy="If you trust who made it, pass --allow-pickle.",
        )
    facts = {"reference": version.reference, "digest": version.digest}
    model = BatchModel(**facts, format=version.format, signature=version.signature)
    batch = BatchSpec.parse({**given, "input": list(inputs), "output": output, "model": model.model_dump()})
    captures = [Capture(name=MODEL, format="file", digest=version.digest, size=version.size, type=version.type)]
    source = " ".join(inputs) if inputs else "DataFrame"
    spec: dict[str, Any] = {
        **(job or {}),
        "kind": JobKind.BATCH,
        # One line, whatever the names hold.
        "source": "# " + " ".join(f"%batch {version.reference} --input {source} --output {output}".split()),
        "captures": captures if frame is None else [*captures, frame],
        "autolog": False,
        "batch": batch,
        "origin": origin or Origin(),
    }
    spec.setdefault("name", job_name(version.model, source))
    return client.jobs.submit(JobSpec.parse(spec), key=uuid.uuid4().hex)


def job_name(model: str, source: str) -> str:
    """`churn-of-2026` for `data/2026.csv`."""
    last = source.split(" ")[0].rstrip("/").rpartition("/")[2].partition(".")[0]
    word = re.sub(r"[^\w-]+", "-", last).strip("-_") or "data"
    return f"{model[:40]}-of-{word}"[:63]

"""Evaluation jobs: a version of a model, measured on a table."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jupyter_slml.domain.formats import PICKLE_FORMATS
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import Capture, JobKind, JobSpec, Origin
from jupyter_slml.domain.views import VersionView
from jupyter_slml.errors import Invalid

if TYPE_CHECKING:
    from jupyter_slml.client.client import Client

#: What the cell calls its input, whether it comes as a file or as a DataFrame.
DATA = "data"

_FILE = f'{DATA} = read_table(slml.inputs["{DATA}"])\n'
_CELL = """# {said}
from jupyter_slml.serving.replica.evaluation import Evaluation, read_table

evaluation = Evaluation(model, version{pickle})
{read}metrics, curves = evaluation.measure({data}, {target!r})
slml.log(**metrics)
evaluation.show(curves)
"""


def submit(
    client: Client,
    version: VersionView,
    *,
    target: str,
    source: str,
    uri: str | None = None,
    capture: Capture | None = None,
    name: str | None = None,
    instance: str = "cpu.small",
    allow_pickle: bool = False,
    origin: Origin | None = None,
) -> Job:
    """Submit the job that measures `version` on a table: at `uri`, or captured (and in the store already).

    `source` is what the table is called. When the job has succeeded, its metrics and figures are evidence for the version.
    Raises Invalid.
    """
    if version.format in PICKLE_FORMATS and not allow_pickle:
        raise Invalid(
            f"{version.reference} is stored as a pickle, which runs code when it is loaded.",
            field="--allow-pickle",
            value=version.reference,
            remedy="If you trust who made it, pass --allow-pickle.",
        )
    facts = json.dumps({"digest": version.digest, "format": version.format, "signature": version.signature}).encode()
    digest = hashlib.sha256(facts).hexdigest()
    client.blobs.put(digest, facts)
    captures = [
        Capture(name="model", format="file", digest=version.digest, size=version.size, type=version.type),
        Capture(name="version", format="json", digest=digest, size=len(facts), type="dict"),
    ]
    text = _CELL.format(
        # One line, whatever the names hold.
        said=" ".join(f"%evaluate {version.reference} --input {source} --target {target}".split()),
        pickle=", allow_pickle=True" if allow_pickle else "",
        read=_FILE if uri is not None else "",
        data=DATA,
        target=target,
    )
    spec: Mapping[str, object] = {
        "name": name or job_name(version.model, source),
        "kind": JobKind.PROCESSING,
        "instance": instance,
        "source": text,
        "captures": captures if capture is None else [*captures, capture],
        "inputs": {} if uri is None else {DATA: uri},
        "outputs": ["curves"],
        "evaluates": version.reference,
        "autolog": False,
        "origin": origin or Origin(),
    }
    return client.jobs.submit(JobSpec.parse(spec), key=uuid.uuid4().hex)


def job_name(model: str, source: str) -> str:
    """`churn-on-test` for `data/test.csv`."""
    last = source.rstrip("/").rpartition("/")[2].partition(".")[0]
    word = re.sub(r"[^\w-]+", "-", last).strip("-_") or "data"
    return f"{model[:40]}-on-{word}"[:63]

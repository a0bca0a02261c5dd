"""Before the first part: what the output holds already, the plan that holds, what is done of it."""

from __future__ import annotations

import json
from typing import Any

from jupyter_slml.compute.batch.manifest import Manifest, is_ours
from jupyter_slml.compute.batch.planner import Planner, file_format, is_inside, list_files
from jupyter_slml.compute.batch.target import ERRORS, SUCCESS, Target
from jupyter_slml.domain.batch import InputFile, PartRecord, Plan
from jupyter_slml.domain.specs.batch import BatchSpec
from jupyter_slml.errors import Invalid


def begin(planner: Planner, target: Target, frame: str | None) -> tuple[Plan, dict[int, PartRecord]]:
    """The plan that holds and the parts that are committed. Raises InputFailed, Invalid, OSError."""
    spec = planner.spec
    manifest = Manifest(target)
    _check_apart(spec)
    known = _earlier(spec, planner.job, target, manifest)
    files = list_files(spec, frame)
    if spec.input:
        check_outside(spec.output, [file.path for file in files])
    if known is not None:
        _check_same(known, planner.work, files)
        plan = known
    else:
        described = planner.plan(
            files if frame is None else [files[0].evolve(path=frame)], file_format_of(spec, files, frame)
        )
        if frame is not None:
            described = described.evolve(files=[described.files[0].evolve(path="DataFrame")])
        plan = manifest.keep(described)
    sweep = getattr(target, "sweep", None)
    if sweep is not None:
        sweep()
    _note_damaged(target, plan)
    return plan, manifest.committed(plan)


def file_format_of(spec: BatchSpec, files: list[InputFile], frame: str | None) -> str:
    return "arrow" if frame is not None else file_format(spec, files)


def check_outside(output: str, inputs: list[str]) -> None:
    """Raises Invalid when files of the input lie in the output."""
    for path in inputs:
        if is_inside(path, output):
            raise Invalid(
                f"The input {path} lies in the output {output}.",
                field="--output",
                value=output,
                remedy="Name another directory for the output.",
            )


def _check_apart(spec: BatchSpec) -> None:
    for uri in spec.input:
        if is_inside(spec.output, uri.split("*")[0].rstrip("/") if "*" in uri else uri):
            raise Invalid(
                f"The output {spec.output} lies in the input {uri}, and would be read by the next job.",
                field="--output",
                value=spec.output,
                remedy="Name a directory beside the input.",
            )


def _earlier(spec: BatchSpec, job: str, target: Target, manifest: Manifest) -> Plan | None:
    """The plan to go on with. Raises Invalid for an output that must not be touched."""
    names = target.names()
    if not names:
        return None
    try:
        plan = manifest.plan() if "" not in names else None
    except ValueError:
        plan = None
    if plan is not None and plan.job == job:
        return plan
    if spec.overwrite and "" not in names:
        left = manifest.clear()
        if left:
            raise Invalid(
                f"The output {spec.output} holds files that no batch job wrote, such as {left[0]}.",
                field="--output",
                value=spec.output,
                remedy="Delete them yourself, or name another directory.",
            )
        return None
    if spec.resume and plan is not None:
        target.delete(SUCCESS)
        return plan
    if spec.resume and all(map(is_ours, names)):
        manifest.clear()
        return None
    what = "an earlier batch job's parts" if plan is not None else "files" if "" not in names else "a file of that name"
    raise Invalid(
        f"The output {spec.output} exists and holds {what}.",
        field="--output",
        value=spec.output,
        remedy="Name another directory, or pass --overwrite to delete what an earlier batch job left there, or --resume to "
        "go on with it.",
    )


def _check_same(plan: Plan, work: str, files: list[InputFile]) -> None:
    """Raises Invalid when what was begun is something else."""
    if plan.work != work:
        raise Invalid(
            "The output was begun with another model, cell, input or other options, so it cannot be gone on with.",
            field="--output",
            remedy="Pass --overwrite to begin again, or name another directory.",
        )
    before = {file.path: (file.size, file.stamp) for file in plan.files}
    now = {file.path: (file.size, file.stamp) for file in files}
    for path in sorted(before.keys() | now.keys()):
        if before.get(path) != now.get(path):
            how = "is new" if path not in before else "is gone" if path not in now else "has changed"
            raise Invalid(
                f"The input file {path} {how} since the first parts were predicted.",
                field="--input",
                value=path,
                remedy="Pass --overwrite to begin again, or put the input back as it was.",
            )


def _note_damaged(target: Target, plan: Plan) -> None:
    """Files that cannot be read at all are in the table of errors, too."""
    lines = [
        json.dumps({"file": file.path, "row": None, "reason": file.problem, "count": 1})
        for file in plan.files
        if file.problem
    ]
    if lines:
        target.create(f"{ERRORS}/files.jsonl", ("\n".join(lines) + "\n").encode())


def summary(plan: Plan, parallel: int, committed: int) -> str:
    """One line for the log."""
    total = "an unknown number of rows" if plan.total is None else f"{plan.total:,} rows"
    files = f"{len(plan.files)} file{'s' if len(plan.files) != 1 else ''}"
    done = f", {committed} of them committed already" if committed else ""
    parts = f"{len(plan.parts)} part{'s' if len(plan.parts) != 1 else ''}"
    return f"{total} in {files} ({plan.format}): {parts}{done}, {parallel} at a time"


def about(plan: Plan, committed: dict[int, PartRecord]) -> dict[str, Any]:
    """As JSON, for the host."""
    return {
        "plan": plan.model_dump(mode="json"),
        "committed": [record.model_dump(mode="json") for record in committed.values()],
    }

"""What changed between two jobs: code, inputs, environment, options, results."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from pydantic import JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.specs import JobSpec

#: Fields of a spec that are compared elsewhere, or that say nothing about what the job does.
_APART = {"source", "captures", "bundle", "fingerprint", "origin", "parameters", "env", "kind"}


class Change(Frozen):
    """One thing that differs. `before` or `after` is None where one side does not have it."""

    #: `parameter`, `input`, `module`, `package`, `option`, `metric`, `variable`.
    what: str
    name: str
    before: JsonValue = None
    after: JsonValue = None


class JobDiff(Frozen):
    """The difference from one job to another."""

    before: str
    after: str
    #: Unified diff of the cells; empty when they are the same.
    code: list[str]
    changes: list[Change]


def diff(before: Job, after: Job) -> JobDiff:
    """Compare two jobs. Captured values are compared by digest, so a changed frame shows without being loaded."""
    old, new = before.spec, after.spec
    code = difflib.unified_diff(old.source.splitlines(), new.source.splitlines(), before.id, after.id, lineterm="", n=3)
    changes = [
        *_compare("parameter", old.parameters, new.parameters),
        *_compare("input", _captured(old, modules=False), _captured(new, modules=False)),
        *_compare("module", _captured(old, modules=True), _captured(new, modules=True)),
        *_compare("bundle", _bundle(old), _bundle(new)),
        *_compare("variable", dict(old.env), dict(new.env)),
        *_compare("package", _packages(old), _packages(new)),
        *_compare("option", _options(old), _options(new)),
        *_compare("metric", dict(before.metrics), dict(after.metrics)),
    ]
    return JobDiff(before=before.id, after=after.id, code=list(code), changes=changes)


def _compare(what: str, before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> list[Change]:
    names = [*before, *(name for name in after if name not in before)]
    return [
        Change(what=what, name=name, before=before.get(name), after=after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _captured(spec: JobSpec, *, modules: bool) -> dict[str, JsonValue]:
    """Captured names with what identifies them: type, size and the first digits of the digest."""
    return {
        item.name: item.digest if modules else f"{item.type}, {item.size:,} bytes, {item.digest[:12]}"
        for item in spec.captures
        if (item.format == "module") is modules
    }


def _bundle(spec: JobSpec) -> dict[str, JsonValue]:
    if spec.bundle is None:
        return {}
    return {"files": f"{', '.join(spec.bundle.files)} ({spec.bundle.digest[:12]})"}


def _packages(spec: JobSpec) -> dict[str, JsonValue]:
    if spec.fingerprint is None:
        return {}
    return {"python": spec.fingerprint.python, **spec.fingerprint.packages}


def _options(spec: JobSpec) -> dict[str, JsonValue]:
    options: dict[str, JsonValue] = spec.model_dump(mode="json", exclude=_APART)
    return options

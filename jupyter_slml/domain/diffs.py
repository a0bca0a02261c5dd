"""What changed between two jobs, or two versions of models: code, inputs, environment, options, results."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.records import Evidence, Job, Version
from jupyter_slml.domain.specs import JobSpec

#: Fields of a spec that are compared elsewhere, or that say nothing about what the job does.
_APART = {"source", "captures", "bundle", "fingerprint", "origin", "parameters", "env", "kind"}


class Change(Frozen):
    """One thing that differs. `before` or `after` is None where one side does not have it."""

    #: `parameter`, `input`, `module`, `package`, `option`, `metric`, `variable`; of versions also `artifact`, `signature`,
    #: `feature`, `evaluation`, `tag`.
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


class VersionDiff(Frozen):
    """The difference from one version to another, of one model or of two."""

    before: str
    after: str
    #: Unified diff of the cells that made them; empty when they are the same.
    code: list[str]
    changes: list[Change]


def diff(before: Job, after: Job) -> JobDiff:
    """Compare two jobs. Captured values are compared by digest, so a changed frame shows without being loaded."""
    old, new = before.spec, after.spec
    code = _code(old.source, new.source, before.id, after.id)
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
    return JobDiff(before=before.id, after=after.id, code=code, changes=changes)


def version_diff(before: Version, after: Version, old: Sequence[Evidence] = (), new: Sequence[Evidence] = ()) -> VersionDiff:
    """Compare two versions. `old` and `new` are their evaluations, newest first: of each name the newest counts."""
    changes = [
        *_compare("metric", dict(before.metrics), dict(after.metrics)),
        *_compare("evaluation", _evaluated(old), _evaluated(new)),
        *_compare("parameter", before.parameters, after.parameters),
        *_compare("artifact", _artifact(before), _artifact(after)),
        *_compare("signature", _signature(before), _signature(after)),
        *_compare("feature", _features(before), _features(after)),
        *_compare("input", _short(before.captures), _short(after.captures)),
        *_compare("package", dict(before.environment), dict(after.environment)),
        *_compare("tag", dict(before.tags), dict(after.tags)),
    ]
    code = _code(before.source, after.source, before.reference, after.reference)
    return VersionDiff(before=before.reference, after=after.reference, code=code, changes=changes)


def _code(before: str, after: str, old: str, new: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="", n=3))


def _evaluated(found: Sequence[Evidence]) -> dict[str, JsonValue]:
    # Oldest first, so that the newest has the last word.
    return {f"{name} ({item.name})": value for item in reversed(found) for name, value in item.metrics.items()}


def _artifact(version: Version) -> dict[str, JsonValue]:
    return {"type": version.type, "format": version.format, "bytes": version.size, "sha256": version.digest[:12]}


def _signature(version: Version) -> dict[str, JsonValue]:
    return {name: value for name, value in (version.signature or {}).items() if name not in ("inputs", "columns", "types")}


def _features(version: Version) -> dict[str, JsonValue]:
    """Columns with what is known of them: type and range."""
    signature = version.signature or {}
    inputs = signature.get("inputs")
    if isinstance(inputs, list):
        return {str(item["name"]): _described(item) for item in inputs if isinstance(item, dict) and "name" in item}
    columns, types = signature.get("columns"), signature.get("types")
    if not isinstance(columns, list):
        return {}
    kinds = types if isinstance(types, list) and len(types) == len(columns) else ["number"] * len(columns)
    return {str(name): kind for name, kind in zip(columns, kinds, strict=True)}


def _described(item: dict[str, JsonValue]) -> str:
    low, high = item.get("min"), item.get("max")
    bounds = f" from {_figure(low)} to {_figure(high)}" if low is not None and high is not None else ""
    return f"{item.get('dtype', 'any')}{bounds}{', with nulls' if item.get('nulls') else ''}"


def _figure(value: JsonValue) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _short(digests: Mapping[str, str]) -> dict[str, JsonValue]:
    return {name: digest[:12] for name, digest in digests.items()}


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

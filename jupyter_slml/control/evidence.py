"""What was measured of versions: kept when an evaluation ends, and found again by gates."""

from __future__ import annotations

import difflib
import re

from sqlalchemy import Connection

from jupyter_slml.domain.gates import Find, Seen, Vacant
from jupyter_slml.domain.names import MOST_VERSIONS, STAGES, parse_reference
from jupyter_slml.domain.outcomes import Outcome, finite
from jupyter_slml.domain.records import Evidence, Job, Version
from jupyter_slml.errors import Invalid, NotFound
from jupyter_slml.storage import evidence as table
from jupyter_slml.storage import models
from jupyter_slml.storage.database import Transaction

#: What an evaluation job calls the output that holds its curves.
CURVES = "curves"

#: Measurements by endpoints that are kept of a version: four hours with traffic.
MOST_OBSERVED = 240

_NUMBERED = re.compile(r"v(\d+)")
#: How a metric says where it is looked for, in the version itself.
_KINDS = ("train", "eval", "endpoint")


def record(transaction: Transaction, job: Job, outcome: Outcome) -> Evidence | None:
    """Keep what a succeeded evaluation job (`spec.evaluates`) has measured; None when the version was deleted meanwhile."""
    reference = parse_reference(job.spec.evaluates or "")
    try:
        version = models.version(transaction.connection, reference.name, reference.version)
    except NotFound:
        return None
    curves = next((item.digest for item in outcome.outputs if item.name == CURVES), None)
    found = Evidence(
        id=0,
        at=transaction.now,
        model=version.model,
        number=version.number,
        kind="evaluation",
        name=job.name,
        metrics=finite(outcome.metrics),
        job=job.id,
        curves=curves,
    )
    return keep(transaction, found)


def observe(transaction: Transaction, endpoint: str, model: str, number: int, metrics: dict[str, float]) -> None:
    """Keep what an endpoint has measured of a version in the last minute, and forget what it measured long ago.

    No event tells of it: it comes every minute and changes nothing.
    """
    connection = transaction.connection
    try:
        models.version(connection, model, number)
    except NotFound:
        return
    found = Evidence(
        id=0, at=transaction.now, model=model, number=number, kind="endpoint", name=endpoint, metrics=finite(metrics)
    )
    table.add(connection, found)
    table.forget(connection, model, number, "endpoint", MOST_OBSERVED)


def keep(transaction: Transaction, found: Evidence) -> Evidence:
    """Store a measurement and say so in the log of events."""
    kept = table.add(transaction.connection, found)
    reference = f"{kept.model}@{kept.number}"
    transaction.record("model.measured", "model", reference, {"evidence": kept.model_dump(mode="json")})
    return kept


def finder(connection: Connection, version: Version) -> Find:
    """Looks up the metrics that a gate about `version` names."""

    def find(owner: str | None, name: str) -> Seen | Vacant:
        if owner is None or owner in _KINDS:
            return _measured(connection, version, owner, name)
        other = _other(connection, version.model, owner)
        return other if isinstance(other, Vacant) else _measured(connection, other, None, name, owner)

    return find


def _other(connection: Connection, model: str, word: str) -> Version | Vacant:
    """The version that `production`, `champion` or `v6` means now."""
    if numbered := _NUMBERED.fullmatch(word):
        digits = numbered[1]
        return models.version(connection, model, int(digits) if len(digits) < 10 else MOST_VERSIONS)
    if word in STAGES:
        inside = models.in_stage(connection, model, word)
        return models.version(connection, model, inside[0]) if inside else Vacant(f"no version is in {word} yet")
    pointers = models.aliases_of(connection, model)
    if word in pointers:
        return models.version(connection, model, pointers[word])
    near = difflib.get_close_matches(word, [*STAGES, *_KINDS, *pointers], n=1, cutoff=0.8)
    if near:
        raise Invalid(
            f"The gate asks for {word!r}, and {model!r} has no alias of that name.",
            field="--if",
            value=word,
            remedy=f"Did you mean {near[0]}?",
        )
    return Vacant(f"no version is called {word} yet")


def _measured(connection: Connection, version: Version, kind: str | None, name: str, word: str | None = None) -> Seen:
    """A metric of a version. Without a kind: of the newest evaluation that has it, else of its training."""
    known: dict[str, None] = {}
    if kind != "train":
        where_from = "endpoint" if kind == "endpoint" else "evaluation"
        for item in table.of_version(connection, version.model, version.number, where_from):
            if name in item.metrics:
                where = f"endpoint {item.name}" if kind == "endpoint" else f"evaluation {item.name}"
                return Seen(item.metrics[name], f"{version.reference}, {where}" + (f" ({item.job})" if item.job else ""))
            known |= dict.fromkeys(item.metrics)
    if kind in (None, "train"):
        if name in version.metrics:
            where = f"training ({version.job})" if version.job else "its import"
            return Seen(version.metrics[name], f"{version.reference}, {where}")
        known |= dict.fromkeys(version.metrics)
    raise _unknown(version, kind, name, list(known), word)


def _unknown(version: Version, kind: str | None, name: str, known: list[str], word: str | None) -> Invalid:
    what = {"train": "training ", "eval": "evaluation ", "endpoint": "endpoint "}.get(kind or "", "")
    whose = f"{version.reference} ({word})" if word else version.reference
    if known:
        remedy = f"Known: {', '.join(item if item.isidentifier() else repr(item) for item in sorted(known)[:30])}."
    elif kind == "endpoint":
        remedy = f"Serve it first (`%deploy {version.reference}`) and call it: its endpoint is measured every minute."
    elif kind == "eval":
        remedy = f"Evaluate it first: `%evaluate {version.reference}`."
    else:
        remedy = "It has none yet: log some in its training (`slml.log(auc=…)`), or evaluate it (`%evaluate`)."
    return Invalid(f"{whose} has no {what}metric {name!r}.", field="--if", value=name, remedy=remedy)

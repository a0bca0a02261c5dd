"""Model cards: everything that is known of a version, as one page of html without script, address or style sheet of others.

All that comes from people or programs is escaped; the page says the same without a network, and years later.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from pydantic import JsonValue

from jupyter_slml.domain.figures import Figures, draw
from jupyter_slml.domain.gates import Verdict
from jupyter_slml.domain.records import Evidence, Transition
from jupyter_slml.domain.views import VersionView

#: Rows of a table of features or packages; the rest is counted.
MOST_ROWS = 200

_PAGE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328;background:#fff}"
)
# Nested below one class and without colours of paper and ink: in a notebook it stands among others, light or dark.
_STYLE = """
.slml-card{
 h1{margin-bottom:0}
 h2{margin-top:1.6rem;border-bottom:1px solid #8886;padding-bottom:.2rem}
 table{border-collapse:collapse}
 th,td{text-align:left;padding:.15rem 1.2rem .15rem 0;vertical-align:top}
 th{font-weight:600;opacity:.75}
 td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
 pre{background:#8882;padding:.8rem;overflow-x:auto;border-radius:6px}
 .badge{display:inline-block;padding:0 .6rem;margin-right:.4rem;border-radius:1rem;background:#ddf4ff;color:#0550ae}
 .approved{background:#dafbe1;color:#116329}
 .rejected{background:#ffebe9;color:#a40e26}
 .note{opacity:.75}
 .figures{display:flex;flex-wrap:wrap;gap:1rem}
}
"""


@dataclass(frozen=True)
class Facts:
    """What a card is made of. `evidence` and `transitions` are newest first; `figures` by the id of their evidence."""

    version: VersionView
    evidence: Sequence[Evidence] = ()
    transitions: Sequence[Transition] = ()
    figures: Mapping[int, Figures] = field(default_factory=dict)
    #: The baseline of the training data, where it is known.
    baseline: Mapping[str, JsonValue] | None = None


def page(facts: Facts) -> str:
    """The card as a page of its own."""
    title = f"Model card: {escape(facts.version.reference)}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_PAGE}</style></head><body>{body(facts)}</body></html>\n"
    )


def body(facts: Facts) -> str:
    """The card without the page around it: what stands between `<body>` and `</body>`."""
    version = facts.version
    parts = [
        _head(version),
        _section("What it is", _table(_identity(version))),
        _section("Metrics of its training", _table([(name, _shown(value)) for name, value in version.metrics.items()])),
        *(_measurement(item, facts.figures.get(item.id, {})) for item in facts.evidence),
        _section("What it takes", _inputs(version.signature or {})),
        _section("What it gives", _table(_outputs(version.signature or {}))),
        _section("Baseline of the training data", _baseline(facts.baseline)),
        _section("Parameters", _table([(name, _shown(value)) for name, value in version.parameters.items()])),
        _section("Where it comes from", _lineage(version)),
        _section("Environment", _table(list(version.environment.items())[:MOST_ROWS])),
        _section("Moves", _moves(facts.transitions)),
    ]
    return f'<div class="slml-card"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _head(version: VersionView) -> str:
    badges = [("", version.stage), (version.approval, version.approval), *(("", f"@{alias}") for alias in version.aliases)]
    shown = "".join(f'<span class="badge {kind}">{escape(text)}</span>' for kind, text in badges)
    tags = "".join(f'<span class="badge">{escape(f"{name}: {text}")}</span>' for name, text in version.tags.items())
    described = f"<p>{escape(version.description)}</p>" if version.description else ""
    return f"<h1>{escape(version.reference)}</h1><p>{shown}{tags}</p>{described}"


def _identity(version: VersionView) -> list[tuple[str, str]]:
    return [
        ("type", version.type),
        ("format", version.format),
        ("size", f"{version.size:,} bytes"),
        ("registered", _moment(version.created_at)),
        ("sha256", version.digest),
    ]


def _measurement(item: Evidence, figures: Figures) -> str:
    kind = "Evaluation" if item.kind == "evaluation" else "Endpoint"
    when = f"<p class=note>{_moment(item.at)}{escape(f', {item.job}') if item.job else ''}</p>"
    drawn = "".join(f"<div>{draw(figure, name)}</div>" for name, figure in figures.items())
    numbers = _table([(name, _shown(value)) for name, value in item.metrics.items()])
    return _section(f"{kind}: {item.name}", f"{when}{numbers}" + (f"<div class=figures>{drawn}</div>" if drawn else ""))


def _inputs(signature: Mapping[str, JsonValue]) -> str:
    inputs = signature.get("inputs")
    if isinstance(inputs, list):
        rows = [
            [
                str(item.get("name", "")),
                str(item.get("dtype", "")),
                _shown(item.get("min")),
                _shown(item.get("max")),
                _shown(item.get("nulls")),
                _several(item.get("categories")),
            ]
            for item in inputs
            if isinstance(item, dict)
        ]
        return _grid(["column", "type", "min", "max", "nulls", "categories"], rows)
    columns, types = signature.get("columns"), signature.get("types")
    if isinstance(columns, list):
        kinds = types if isinstance(types, list) and len(types) == len(columns) else [""] * len(columns)
        return _grid(["column", "type"], [[str(name), str(kind)] for name, kind in zip(columns, kinds, strict=True)])
    features = signature.get("features")
    return f"<p>{_shown(features)} numbers a row.</p>" if features is not None else ""


def _outputs(signature: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    rows = [("task", signature.get("task")), ("objective", signature.get("objective"))]
    said = [(name, str(value)) for name, value in rows if value is not None]
    classes = signature.get("classes")
    return [*said, ("classes", _several(classes))] if classes else said


def _baseline(baseline: Mapping[str, JsonValue] | None) -> str:
    if not baseline:
        return ""
    features = baseline.get("features")
    rows = [
        [str(name), *(_shown(item.get(key)) for key in ("kind", "mean", "min", "max", "nulls"))]
        for name, item in (features.items() if isinstance(features, dict) else ())
        if isinstance(item, dict)
    ]
    counted = baseline.get("rows")
    said = f"<p>{counted:,} rows.</p>" if isinstance(counted, int) else ""
    return said + _grid(["column", "kind", "mean", "min", "max", "nulls"], rows)


def _lineage(version: VersionView) -> str:
    captures = [(name, digest) for name, digest in version.captures.items()]
    if version.job is None:
        return f"<p>Imported: {escape(version.source or 'from elsewhere')}</p>"
    made = _table([("job", version.job), ("output", version.output)])
    read = f"<p>What the cell read:</p>{_table(captures[:MOST_ROWS])}" if captures else ""
    return f"{made}{read}<pre>{escape(version.source)}</pre>"


def _moves(transitions: Sequence[Transition]) -> str:
    rows = []
    for item in transitions:
        what = f"alias {item.alias}" if item.kind == "alias" else item.kind
        change = f"{item.before or '–'} → {item.after or '–'}"
        back = f" (takes back #{item.undoes})" if item.undoes is not None else ""
        rows.append([f"#{item.id}", _moment(item.at), what, change, item.actor, f"{item.reason}{back}", gate_text(item)])
    return _grid(["", "when", "what", "change", "who", "why", "gate"], rows)


def gate_text(transition: Transition) -> str:
    """The gate of a move with the numbers that it saw; empty without one."""
    if transition.evidence is None:
        return ""
    verdict = Verdict.model_validate(transition.evidence)
    return "; ".join(str(term) for term in verdict.terms)


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}" if content else ""


def _table(rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{lines}</table>"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[:MOST_ROWS])
    more = f"<p class=note>and {len(rows) - MOST_ROWS:,} more</p>" if len(rows) > MOST_ROWS else ""
    return f"<table><tr>{titles}</tr>{lines}</table>{more}"


def _shown(value: JsonValue) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _several(value: JsonValue) -> str:
    if not isinstance(value, list):
        return ""
    return ", ".join(_shown(item) for item in value[:20]) + (f" … ({len(value)})" if len(value) > 20 else "")


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))

"""What changed between two jobs or two versions, as text and as static html."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from jupyter_slml.domain.diffs import Change, JobDiff, VersionDiff

_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top;border:none"
_LINES = {"+": "color:#1a7f37", "-": "color:#cf222e", "@": "color:#6e7781"}
_TITLES = {
    "parameter": "Parameters",
    "input": "Inputs",
    "module": "Modules",
    "bundle": "Files",
    "variable": "Environment variables",
    "package": "Packages",
    "option": "Options",
    "metric": "Metrics",
    "evaluation": "Evaluations",
    "artifact": "Artifact",
    "signature": "Signature",
    "feature": "Features",
    "tag": "Tags",
}


class Difference:
    """Draws a `JobDiff` or a `VersionDiff`, which is its `record`."""

    def __init__(self, record: JobDiff | VersionDiff) -> None:
        self.record = record

    @property
    def code(self) -> str:
        """Unified diff of the two cells; empty when they are the same."""
        return "\n".join(self.record.code)

    @property
    def changes(self) -> list[Change]:
        """Everything else that differs."""
        return self.record.changes

    def __bool__(self) -> bool:
        return bool(self.record.code or self.record.changes)

    def __repr__(self) -> str:
        head = f"{self.record.before} → {self.record.after}"
        if not self:
            return f"{head}: no difference."
        parts = [head]
        if self.record.code:
            parts += ["", "Code", *(f"  {line}" for line in self.record.code)]
        for title, changes in self._groups():
            parts += ["", title]
            parts += [f"  {item.name}: {_shown(item.before)} → {_shown(item.after)}" for item in changes]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        head = f"<p><code>{escape(self.record.before)}</code> → <code>{escape(self.record.after)}</code></p>"
        if not self:
            return f"{head}<p>No difference.</p>"
        code = "".join(f'<span style="{_LINES.get(line[:1], "")}">{escape(line)}</span>\n' for line in self.record.code)
        parts = [head, f"<pre>{code}</pre>" if code else ""]
        for title, changes in self._groups():
            rows = "".join(
                f'<tr><th style="{_CELL}">{escape(item.name)}</th><td style="{_CELL}">{escape(_shown(item.before))}</td>'
                f'<td style="{_CELL}">{escape(_shown(item.after))}</td></tr>'
                for item in changes
            )
            parts.append(f"<p><b>{title}</b></p><table><tbody>{rows}</tbody></table>")
        return "".join(parts)

    def _groups(self) -> list[tuple[str, list[Change]]]:
        kinds = list(dict.fromkeys(item.what for item in self.record.changes))
        return [
            (_TITLES.get(kind, kind.capitalize()), [item for item in self.record.changes if item.what == kind])
            for kind in kinds
        ]


def _shown(value: JsonValue) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"

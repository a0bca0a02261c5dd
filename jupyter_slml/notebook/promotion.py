"""What a move did, with the terms of its gate; and the log of moves."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from jupyter_slml.notebook.table import Table, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_slml.domain.gates import Verdict
    from jupyter_slml.domain.records import Transition
    from jupyter_slml.domain.views import Moved, VersionView


class Promotion:
    """The answer to `%promote`, `%approve`, `%reject`, `%rollback`."""

    def __init__(self, moved: Moved) -> None:
        #: The version as it stands now, and the moves that were made.
        self.version: VersionView = moved.version
        self.transitions: list[Transition] = moved.transitions

    @property
    def verdict(self) -> Verdict | None:
        """What the gate saw; None without a gate."""
        from jupyter_slml.domain.gates import Verdict

        found = next((item.evidence for item in self.transitions if item.evidence is not None), None)
        return None if found is None else Verdict.model_validate(found)

    @property
    def lines(self) -> list[str]:
        """The moves in words."""
        return [move_text(item) for item in self.transitions] or [
            f"{self.version.reference}: nothing to do, it stands there."
        ]

    def _terms(self) -> Table | None:
        verdict = self.verdict
        if verdict is None:
            return None
        rows = [
            [
                "holds" if term.passed else "fails",
                term.text,
                ", ".join(f"{name} = {value:.6g}" for name, value in term.values.items()),
                term.note or "; ".join(dict.fromkeys(term.sources.values())),
            ]
            for term in verdict.terms
        ]
        return Table(["", "term", "numbers", "from"], rows, title=f"Gate: {verdict.expression}")

    def __repr__(self) -> str:
        terms = self._terms()
        return "\n".join([*self.lines, *([] if terms is None else ["", repr(terms)])])

    def _repr_html_(self) -> str:
        terms = self._terms()
        return "".join(f"<p>{escape(line)}</p>" for line in self.lines) + ("" if terms is None else terms._repr_html_())


def move_text(item: Transition) -> str:
    """`churn@7: staging → production`, `@champion: churn@6 → churn@7`."""
    match item.kind:
        case "alias":
            places = [f"{item.model}@{number}" if number else "nobody" for number in (item.before, item.after)]
            return f"@{item.alias}: {' → '.join(places)}"
        case "approval":
            return f"{item.model}@{item.number}: {item.before} → {item.after} (approval)"
    return f"{item.model}@{item.number}: {item.before} → {item.after}"


def log_table(found: Sequence[Transition], title: str) -> Table:
    """Moves, newest first, with who, why, and what the gate saw."""
    from jupyter_slml.domain.cards import gate_text

    rows = [
        [
            item.id,
            moment(item.at),
            move_text(item),
            item.actor,
            f"{item.reason} (takes back {item.undoes})".strip() if item.undoes is not None else item.reason,
            gate_text(item),
        ]
        for item in found
    ]
    return Table(["", "when", "move", "who", "why", "gate"], rows, title=title, empty="It was never moved.")

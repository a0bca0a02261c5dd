"""A registered version in Python: what it is, where it stands, and its moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_slml.notebook.modelcard import ModelCard
from jupyter_slml.notebook.promotion import Promotion, log_table
from jupyter_slml.notebook.table import Table, human_size, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_slml.domain.records import Evidence
    from jupyter_slml.domain.views import VersionView
    from jupyter_slml.notebook.session import Session

#: Columns and packages that are named in a table; the card has them all.
_NAMED = 12


class Version:
    """A version of a model; its record's fields are attributes (`stage`, `metrics`, `digest`, …)."""

    def __init__(self, session: Session, record: VersionView) -> None:
        self._session = session
        self.record = record

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.record, name)

    def refresh(self) -> Version:
        """As it stands now. Raises NotFound when it was deleted."""
        self.record = self._session.client.models.version(self.record.model, self.record.number)
        return self

    def promote(self, to: str, gate: str | None = None, reason: str = "") -> Promotion:
        """Move it to a stage, or point an alias at it, if the gate holds. Raises Invalid, Conflict, GateFailed."""
        return self._moved(
            Promotion(self._session.client.models.promote(self.record.reference, to, gate=gate, reason=reason))
        )

    def approve(self, reason: str = "") -> Promotion:
        return self._decided("approved", reason)

    def reject(self, reason: str = "") -> Promotion:
        """A rejected version goes neither to staging nor to production."""
        return self._decided("rejected", reason)

    @property
    def evidence(self) -> list[Evidence]:
        """What was measured of it after its training, newest first."""
        return self._session.client.models.evidence(self.record.model, self.record.number).evidence

    @property
    def baseline(self) -> dict[str, Any]:
        """Counts per feature and prediction of its training data. Raises NotFound when there are none."""
        return self._session.client.models.baseline(self.record.model, self.record.number)

    def log(self) -> Table:
        """Its moves, newest first."""
        found = self._session.client.models.transitions(self.record.model, self.record.number)
        return log_table(found.transitions, f"Moves of {self.record.reference}")

    def card(self) -> ModelCard:
        """The model card; `card().save("card.html")` writes it."""
        page = self._session.client.models.card(self.record.model, self.record.number)
        return ModelCard(self.record.reference, page)

    def delete(self) -> None:
        """Raises Conflict while an endpoint serves it, a stage holds it or an alias points at it."""
        self._session.client.models.delete(self.record.model, self.record.number)

    def _decided(self, approval: Any, reason: str) -> Promotion:
        return self._moved(Promotion(self._session.client.models.decide(self.record.reference, approval, reason=reason)))

    def _moved(self, done: Promotion) -> Promotion:
        self.record = done.version
        return done

    def _table(self) -> Table:
        record = self.record
        signature = record.signature or {}
        columns = signature.get("columns")
        classes = signature.get("classes")
        rows: list[tuple[str, object]] = [
            ("version", record.reference),
            ("stands", standing(record)),
            ("about", record.description),
            ("tags", ", ".join(f"{name}: {text}" for name, text in record.tags.items())),
            ("type", f"{record.type} ({record.format}, {human_size(record.size)})"),
            ("task", signature.get("task")),
            ("columns", _several(columns) if isinstance(columns, list) else signature.get("features")),
            ("classes", _several(classes) if isinstance(classes, list) else None),
            ("metrics", numbers(record.metrics)),
            *[(f"{item.kind} {item.name}", numbers(item.metrics)) for item in _newest(self.evidence)],
            ("parameters", ", ".join(f"{name} = {value}" for name, value in record.parameters.items())),
            ("job", f"{record.job}, output {record.output}" if record.job else f"imported: {record.source}"),
            ("registered at", moment(record.created_at)),
            ("sha256", record.digest),
        ]
        return Table(["", ""], [row for row in rows if row[1]])

    def __repr__(self) -> str:
        record = self.record
        return f"<model {record.reference}: {record.type}, {standing(record)}, from {record.job or record.source}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self._table()))

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "a version's handle stays in the notebook; bind what you need of it first: auc = version.metrics['auc']"
        )


def standing(record: VersionView) -> str:
    """`production, approved, @champion`."""
    return ", ".join([record.stage, record.approval, *(f"@{alias}" for alias in record.aliases)])


def numbers(metrics: Mapping[str, float]) -> str:
    """`auc = 0.912, loss = 0.31`."""
    return ", ".join(f"{name} = {value:.6g}" for name, value in metrics.items())


def _newest(found: list[Evidence]) -> list[Evidence]:
    """The newest measurement of each name."""
    return list({(item.kind, item.name): item for item in reversed(found)}.values())


def _several(items: list[Any]) -> str:
    shown = ", ".join(str(item) for item in items[:_NAMED])
    return f"{shown}, … ({len(items)})" if len(items) > _NAMED else shown

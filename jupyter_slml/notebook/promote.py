"""`%promote`, `%approve`, `%reject`, `%rollback`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import STAGES
from jupyter_slml.domain.specs import MoveOptions
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.endpoint import EndpointHandle
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.promotion import Promotion
from jupyter_slml.notebook.session import Session


def reference(value: Any) -> Any:
    """A version's handle stands for its reference."""
    return value if isinstance(value, str) else getattr(value, "reference", value)


class PromoteLine(MoveOptions):
    model: str = Field(
        description="NAME@VERSION, NAME@ALIAS, NAME@STAGE, or NAME: the newest approved version, else the newest.",
        json_schema_extra={"positional": True, "metavar": "MODEL"},
    )
    to: str = Field(
        description=f"A stage ({', '.join(STAGES)}) or an alias: any other name.",
        json_schema_extra={"positional": True, "metavar": "TO"},
    )

    _reference = field_validator("model", mode="before")(reference)


class DecideLine(Frozen):
    model: str = Field(
        description="The version: NAME@VERSION, NAME@ALIAS or NAME@STAGE.",
        json_schema_extra={"positional": True, "metavar": "MODEL@VERSION"},
    )
    reason: str = Field(
        default="", description="Why, for the log.", json_schema_extra={"flags": ["--reason", "-m"], "metavar": "TEXT"}
    )

    _reference = field_validator("model", mode="before")(reference)


class RollbackLine(Frozen):
    model: str | None = Field(
        default=None,
        description="The model whose last move is taken back.",
        json_schema_extra={"positional": True, "metavar": "MODEL"},
    )
    to: str = Field(
        default="production",
        description="The stage or alias that goes back to the version before. Unset: production.",
        json_schema_extra={"flags": ["--to"], "metavar": "STAGE|ALIAS"},
    )
    endpoint: str | None = Field(
        default=None,
        description="Instead of a model: this endpoint goes back to what it served before.",
        json_schema_extra={"flags": ["--endpoint"], "metavar": "NAME"},
    )
    reason: str = Field(
        default="", description="Why, for the log.", json_schema_extra={"flags": ["--reason", "-m"], "metavar": "TEXT"}
    )


def promote(session: Session, model: str, to: str, gate: str | None = None, reason: str = "") -> Promotion:
    """Raises NotFound, Invalid, Conflict, and GateFailed with the terms that do not hold."""
    return Promotion(session.client.models.promote(reference(model), to, gate=gate, reason=reason))


def decide(session: Session, model: str, approval: Literal["approved", "rejected", "pending"], reason: str) -> Promotion:
    """Raises NotFound, Invalid."""
    return Promotion(session.client.models.decide(reference(model), approval, reason=reason))


def rollback(session: Session, model: str, to: str = "production", reason: str = "") -> Promotion:
    """Raises NotFound, Conflict."""
    return Promotion(session.client.models.rollback(model, to, reason=reason))


def _promote(session: Session, line: PromoteLine, cell: Cell) -> Promotion:
    return promote(session, line.model, line.to, line.gate, line.reason)


def _approve(session: Session, line: DecideLine, cell: Cell) -> Promotion:
    return decide(session, line.model, "approved", line.reason)


def _reject(session: Session, line: DecideLine, cell: Cell) -> Promotion:
    return decide(session, line.model, "rejected", line.reason)


def _rollback(session: Session, line: RollbackLine, cell: Cell) -> Any:
    if (line.model is None) is (line.endpoint is None):
        raise Invalid(
            "%rollback takes either a model or --endpoint.",
            field="MODEL",
            value=line.model,
            remedy="For example: %rollback churn, %rollback churn --to champion, %rollback --endpoint churn.",
        )
    if line.endpoint is not None:
        return EndpointHandle(session, session.client.endpoints.rollback(line.endpoint))
    return rollback(session, line.model or "", line.to, line.reason)


_PROMOTE = "Move a version to a stage, or point an alias at it, if a gate holds."
_PROMOTED = '%promote churn@7 production --if "auc >= 0.9 and auc > production.auc"\n%promote churn@7 champion'

MAGICS = (
    Magic("promote", "line", Options("%promote", PromoteLine, _PROMOTE, _PROMOTED), _promote),
    Magic(
        "approve",
        "line",
        Options("%approve", DecideLine, "Approve a version.", '%approve churn@7 --reason "checked with finance"'),
        _approve,
    ),
    Magic(
        "reject",
        "line",
        Options("%reject", DecideLine, "Reject a version.", '%reject churn@7 --reason "leaks the target"'),
        _reject,
    ),
    Magic(
        "rollback",
        "line",
        Options(
            "%rollback",
            RollbackLine,
            "Take the last move back.",
            "%rollback churn\n%rollback churn --to champion\n%rollback --endpoint churn-live",
        ),
        _rollback,
    ),
)

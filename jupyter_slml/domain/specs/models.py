"""The registry: what is registered, and who moves what, where, and on which condition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import STAGES, Name
from jupyter_slml.domain.specs.options import option

Stage = Literal["candidate", "staging", "production", "archived"]


class RegisterSpec(Frozen):
    """Register an output of a succeeded job as a new version of a model."""

    model: Name
    job: str
    output: str | None = Field(default=None, description="Which output. Unset: the only model among them.")
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    allow_pickle: bool = False


class ImportSpec(Frozen):
    """Register bytes that came from elsewhere and are in the store already.

    The importer has read them in a process of its own; the daemon checks the digest and never loads them.
    """

    model: Name
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    format: str
    type: str
    signature: dict[str, JsonValue] | None = None
    #: Digest of the counts of its training data, if they came along.
    baseline: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    metrics: dict[str, float] = Field(default_factory=dict)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    #: Where it came from, for people: `mlflow directory model/`, `model.tar.gz`.
    source: str = ""
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    allow_pickle: bool = False


class MoveOptions(Frozen):
    """What every move of a version may carry."""

    gate: str | None = Field(
        default=None,
        max_length=2000,
        description="Move only if this holds: 'auc >= 0.9 and auc > production.auc'.",
        json_schema_extra=option("--if", metavar="EXPRESSION"),
    )
    reason: str = Field(
        default="",
        max_length=2000,
        description="Why, for the log.",
        json_schema_extra=option("--reason", "-m", metavar="TEXT"),
    )


class PromoteSpec(MoveOptions):
    """Move a version to a stage, or point an alias at it."""

    model: str = Field(min_length=1, description="NAME@VERSION, NAME@ALIAS or NAME@STAGE.")
    to: str = Field(min_length=1, description=f"A stage ({', '.join(STAGES)}) or an alias.")
    actor: str = ""


class DecisionSpec(Frozen):
    """Approve or reject a version."""

    model: str = Field(min_length=1)
    approval: Literal["approved", "rejected", "pending"]
    reason: str = Field(default="", max_length=2000)
    actor: str = ""


class RollbackSpec(Frozen):
    """Take back the last move of a stage or an alias."""

    model: Name
    to: str = Field(default="production", description="The stage or alias that goes back to where it was.")
    #: What makes asking again harmless: a rollback of this place that was made after it is the answer.
    seen: int | None = Field(default=None, description="Id of the model's newest move that the caller knows of.")
    reason: str = Field(default="", max_length=2000)
    actor: str = ""

"""`%models` and its verbs, and `%register`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import STAGES, parse_reference
from jupyter_slml.domain.specs import RegisterSpec
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.catalogue import find
from jupyter_slml.notebook.difference import Difference
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.modelcard import ModelCard
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.promote import reference
from jupyter_slml.notebook.promotion import Promotion, log_table
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table, moment
from jupyter_slml.notebook.version import Version, numbers

_VERBS = {"diff": 2, "delete": 1, "unalias": 1}


class ModelsLine(Frozen):
    words: list[str] = Field(
        default_factory=list,
        description="A model, or a version of one (churn@7); or a verb: diff A B, delete churn@3, unalias churn@champion. "
        "Unset: every model.",
        json_schema_extra={"positional": True, "metavar": "MODEL", "many": True},
    )
    card: bool = Field(
        default=False,
        description="Show the version's model card.",
        json_schema_extra={"flags": ["--card"]},
    )
    to: str | None = Field(
        default=None,
        description="Also write the card to this file, as a page of its own.",
        json_schema_extra={"flags": ["--to"], "metavar": "FILE"},
    )
    log: bool = Field(
        default=False,
        description="Show the moves of the model or version: who, when, why, and what the gate saw.",
        json_schema_extra={"flags": ["--log"]},
    )

    @field_validator("words", mode="before")
    @classmethod
    def _references(cls, value: Any) -> Any:
        return [reference(item) for item in value] if isinstance(value, (list, tuple)) else value


class RegisterLine(Frozen):
    model: str = Field(description="Name of the model.", json_schema_extra={"positional": True, "metavar": "MODEL"})
    job: str | None = Field(
        default=None,
        description="Id or name of the job. Unset: the job that this notebook submitted last.",
        json_schema_extra={"flags": ["--job", "-j"], "metavar": "JOB"},
    )
    output: str | None = Field(
        default=None,
        description="Which output. Unset: the only model among them.",
        json_schema_extra={"flags": ["--output", "-o"], "metavar": "VARIABLE"},
    )
    description: str = Field(
        default="",
        description="What people should know of it.",
        json_schema_extra={"flags": ["--description"], "metavar": "TEXT"},
    )
    tags: dict[str, str] = Field(
        default_factory=dict,
        description="A tag of the version. May be repeated.",
        json_schema_extra={"flags": ["--tag"], "metavar": "NAME=TEXT"},
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow a model that only a pickle can hold, which runs code when it is loaded.",
        json_schema_extra={"flags": ["--allow-pickle"]},
    )

    @field_validator("job", mode="before")
    @classmethod
    def _handle(cls, value: Any) -> Any:
        return getattr(value, "id", value)


def register(
    session: Session,
    model: str,
    job: str | None,
    output: str | None,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    allow_pickle: bool = False,
) -> Version:
    """Register an output of a succeeded job. Raises NotFound, Conflict, Invalid."""
    spec = RegisterSpec.parse(
        {
            "model": model,
            "job": find(session, job).id,
            "output": output,
            "description": description,
            "tags": dict(tags or {}),
            "allow_pickle": allow_pickle,
        }
    )
    return Version(session, session.client.models.register(spec))


def find_version(session: Session, model: str) -> Version:
    """The version that a reference means now. Raises NotFound, Invalid."""
    return Version(session, session.client.models.resolve(model))


def list_models(session: Session) -> Table:
    rows = [
        [
            item.name,
            item.latest.number,
            item.production,
            ", ".join(f"@{alias} {number}" for alias, number in sorted(item.aliases.items())),
            item.latest.type,
            numbers(item.latest.metrics),
            moment(item.latest.created_at),
        ]
        for item in session.client.models.list().models
    ]
    columns = ["model", "newest", "production", "aliases", "type", "metrics of the newest", "registered at"]
    return Table(columns, rows, empty="No models. `%%train --register NAME` registers one.")


def list_versions(session: Session, name: str) -> Table:
    """Newest first. Raises NotFound."""
    rows = [
        [
            item.reference,
            item.stage,
            item.approval,
            ", ".join(f"@{alias}" for alias in item.aliases),
            item.type,
            numbers(item.metrics),
            item.job or item.source,
            moment(item.created_at),
        ]
        for item in session.client.models.get(name).versions
    ]
    columns = ["version", "stage", "approval", "aliases", "type", "metrics", "job", "registered at"]
    return Table(columns, rows, empty=f"All versions of {name} were deleted.")


def list_moves(session: Session, model: str) -> Table:
    """The log of a model, or of one version of it. Raises NotFound, Invalid."""
    asked = parse_reference(model)
    if asked.bare:
        return log_table(session.client.models.transitions(asked.name).transitions, f"Moves of {asked.name}")
    return find_version(session, model).log()


def diff(session: Session, before: str, after: str) -> Difference:
    """What changed from one version to another. Raises NotFound, Invalid."""
    return Difference(session.client.models.diff(reference(before), reference(after)))


def delete(session: Session, model: str) -> Table:
    """Delete a version. Raises NotFound, Invalid, and Conflict while something refers to it."""
    if parse_reference(model).bare:
        raise Invalid(
            f"{model!r} does not say which version shall be deleted.",
            field="MODEL",
            value=model,
            remedy=f"Name it: {model}@3.",
        )
    found = find_version(session, model)
    found.delete()
    return Table([], [], empty=f"{found.record.reference} is deleted. `jupyter slml gc` gives its bytes back.")


def unalias(session: Session, model: str) -> Promotion:
    """Take an alias (`churn@champion`) away. Raises NotFound, Invalid."""
    asked = parse_reference(model)
    if asked.word is None or asked.word in STAGES:
        raise Invalid(
            f"{model!r} does not name an alias.",
            field="MODEL",
            value=model,
            remedy="Write MODEL@ALIAS, such as churn@champion.",
        )
    return Promotion(session.client.models.remove_alias(asked.name, asked.word))


def _models(session: Session, line: ModelsLine, cell: Cell) -> Any:
    verb, *words = line.words or [""]
    # A model may be called like a verb: it is one only with something behind it.
    if words:
        return _act(session, verb, words)
    if line.to is not None and not line.card:
        raise Invalid("--to writes the card.", field="--to", value=line.to, remedy="Say --card, too.")
    if line.card or line.log:
        if not verb:
            raise Invalid(
                "%models does not know which model is meant.", field="MODEL", remedy="For example: %models churn@7 --card"
            )
        return _card(session, verb, line.to) if line.card else list_moves(session, verb)
    if not verb:
        return list_models(session)
    return list_versions(session, verb) if parse_reference(verb).bare else find_version(session, verb)


def _card(session: Session, model: str, to: str | None) -> ModelCard:
    card = find_version(session, model).card()
    if to is not None:
        card.save(to)
    return card


def _act(session: Session, verb: str, words: list[str]) -> Any:
    if verb not in _VERBS:
        raise Invalid(
            f"%models does not know the verb {verb!r}.",
            field="VERB",
            value=" ".join([verb, *words]),
            remedy=f"Verbs: {', '.join(_VERBS)}; `%models {verb}` lists the versions of a model.",
        )
    if len(words) != _VERBS[verb]:
        one = "is" if len(words) == 1 else "are"
        raise Invalid(
            f"%models {verb} takes {'two versions' if verb == 'diff' else 'one'}, and {len(words)} {one} given.",
            field="MODEL",
            value=" ".join(words),
            remedy="For example: %models diff churn@3 churn@7, %models delete churn@3, %models unalias churn@champion.",
        )
    match verb:
        case "diff":
            return diff(session, words[0], words[1])
        case "delete":
            return delete(session, words[0])
    return unalias(session, words[0])


def _register(session: Session, line: RegisterLine, cell: Cell) -> Version:
    return register(session, line.model, line.job, line.output, line.description, line.tags, line.allow_pickle)


_SUMMARY = "List models, the versions of one, or show one version; compare two."
_EXAMPLES = "%models churn\n%models churn@7 --card\n%models churn --log\n%models diff churn@3 churn@7"

MAGICS = (
    Magic("models", "line", Options("%models", ModelsLine, _SUMMARY, _EXAMPLES), _models),
    Magic(
        "register",
        "line",
        Options(
            "%register", RegisterLine, "Register a job's model as a new version.", "%register churn --job churn -o model"
        ),
        _register,
    ),
)

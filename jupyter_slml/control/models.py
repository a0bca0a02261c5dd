"""Use cases of the registry."""

from __future__ import annotations

from sqlalchemy import Connection

from jupyter_slml.domain.formats import MODEL_FORMATS
from jupyter_slml.domain.names import Reference, parse_reference
from jupyter_slml.domain.outcomes import Artifact, Outcome
from jupyter_slml.domain.records import Job, Model, Standing, Version
from jupyter_slml.domain.specs import RegisterSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import ModelDetail, ModelList, ModelSummary, VersionView
from jupyter_slml.errors import Conflict, Invalid, NotFound
from jupyter_slml.storage import jobs as job_table
from jupyter_slml.storage import models as table
from jupyter_slml.storage.database import Database, Transaction


def pick(job: Job, outcome: Outcome, name: str | None) -> Artifact:
    """The output to register: the named one, or the only model among them. Raises Invalid saying why there is none."""
    candidates = [item for item in outcome.outputs if name is None or item.name == name]
    if name is not None and not candidates:
        raise Invalid(
            f"Job {job.id} has no output {name!r}.",
            field="output",
            value=name,
            remedy=f"Its outputs: {', '.join(item.name for item in outcome.outputs) or 'none'}.",
        )
    models = [item for item in candidates if item.format in MODEL_FORMATS]
    if len(models) == 1:
        return models[0]
    if models:
        raise Invalid(
            f"Job {job.id} left several models: {', '.join(item.name for item in models)}.",
            field="output",
            remedy="Name the one to register: `--output NAME`, or `output=` in `%register`.",
        )
    shown = ", ".join(f"{item.name} ({item.type})" for item in candidates) or "nothing"
    raise Invalid(
        f"Job {job.id} left no model that can be registered: {shown}.",
        field="output",
        remedy="Assign an xgboost or scikit-learn model in the cell and name it with `--output`.",
    )


def register(
    transaction: Transaction,
    model: str,
    job: Job,
    artifact: Artifact,
    outcome: Outcome,
    description: str = "",
    tags: dict[str, str] | None = None,
) -> Version:
    """Add a version inside a write. The same output of the same job is the same version, however often it is asked for."""
    connection = transaction.connection
    known = table.of_output(connection, model, job.id, artifact.name)
    if known is not None:
        return known
    version = Version(
        model=model,
        number=table.next_number(connection, model, transaction.now),
        created_at=transaction.now,
        digest=artifact.digest,
        size=artifact.size,
        format=artifact.format,
        type=artifact.type,
        signature=artifact.signature,
        metrics=outcome.metrics,
        parameters=job.spec.parameters,
        description=description,
        tags=job.spec.register_tags if tags is None else tags,
        environment=outcome.environment,
        baseline=artifact.baseline,
        job=job.id,
        output=artifact.name,
        source=job.spec.source,
        captures={item.name: item.digest for item in job.spec.captures},
    )
    table.add(connection, version)
    transaction.record("model.registered", "model", version.reference, {"version": version.model_dump(mode="json")})
    return version


def views(connection: Connection, name: str) -> list[VersionView]:
    """All versions of a model with where they stand, newest first. Raises NotFound."""
    found = table.versions_of(connection, name)
    standings = table.standings_of(connection, name)
    pointers = table.aliases_of(connection, name)
    return [_view(version, standings[version.number], pointers) for version in found]


def _view(version: Version, standing: Standing, pointers: dict[str, int]) -> VersionView:
    return VersionView(
        **dict(version),
        stage=standing.stage,
        approval=standing.approval,
        aliases=sorted(alias for alias, number in pointers.items() if number == version.number),
    )


def _summary(connection: Connection, model: Model, latest: Version) -> ModelSummary:
    pointers = table.aliases_of(connection, model.name)
    return ModelSummary(
        name=model.name,
        created_at=model.created_at,
        latest=_view(latest, table.standing(connection, model.name, latest.number), pointers),
        production=next(iter(table.in_stage(connection, model.name, "production")), None),
        aliases=pointers,
    )


class Models:
    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, spec: RegisterSpec) -> Version:
        """Register an output of a succeeded job. Raises NotFound, Conflict, Invalid."""
        with self._database.write() as transaction:
            job = job_table.find(transaction.connection, spec.job)
            if job.outcome is None or job.state is not JobState.SUCCEEDED:
                raise Conflict(
                    f"Job {job.id} is {job.state.value}; only a succeeded job's model can be registered.",
                    field="job",
                    value=spec.job,
                    remedy="Wait for it (`job.wait()`), or run it again.",
                )
            artifact = pick(job, job.outcome, spec.output)
            return register(transaction, spec.model, job, artifact, job.outcome, spec.description, spec.tags)

    def list(self) -> ModelList:
        with self._database.read() as connection:
            return ModelList(models=[_summary(connection, model, latest) for model, latest in table.newest(connection)])

    def get(self, name: str) -> ModelDetail:
        """Raises NotFound."""
        with self._database.read() as connection:
            return ModelDetail(model=table.get(connection, name), versions=views(connection, name))

    def version(self, name: str, number: int) -> Version:
        with self._database.read() as connection:
            return table.version(connection, name, number)

    def resolve(self, text: str) -> Version:
        """The version that a reference means now. Raises NotFound, Invalid."""
        reference: Reference = parse_reference(text)
        with self._database.read() as connection:
            if reference.word is not None:
                table.get(connection, reference.name)
                raise NotFound(
                    f"Model {reference.name!r} has no alias {reference.word!r}.",
                    field="model",
                    value=text,
                    remedy=f"Name a version: {reference.name}@1, or {reference.name} for the newest.",
                )
            return table.version(connection, reference.name, reference.version)

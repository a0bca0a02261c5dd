"""Use cases of the registry."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from jupyter_slml.domain.diffs import VersionDiff, version_diff
from jupyter_slml.domain.formats import MODEL_FORMATS, PICKLE_FORMATS, is_model
from jupyter_slml.domain.names import STAGES, parse_reference
from jupyter_slml.domain.outcomes import Artifact, Outcome, finite
from jupyter_slml.domain.records import Job, Model, Standing, Version
from jupyter_slml.domain.specs import ImportSpec, RegisterSpec
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import EvidenceList, ModelDetail, ModelList, ModelSummary, VersionView
from jupyter_slml.errors import Conflict, Invalid, NotFound
from jupyter_slml.ports.blobs import Blobs, digest_key
from jupyter_slml.storage import endpoints, evidence
from jupyter_slml.storage import jobs as job_table
from jupyter_slml.storage import models as table
from jupyter_slml.storage.database import Database, Transaction


def pick(job: Job, outcome: Outcome, name: str | None, allow_pickle: bool = False) -> Artifact:
    """The output to register: the named one, or the only model among them. With `allow_pickle` the named one may be a
    pickle, or the only one that can predict. Raises Invalid saying why there is none."""
    candidates = [item for item in outcome.outputs if name is None or item.name == name]
    if name is not None and not candidates:
        raise Invalid(
            f"Job {job.id} has no output {name!r}.",
            field="output",
            value=name,
            remedy=f"Its outputs: {', '.join(item.name for item in outcome.outputs) or 'none'}.",
        )
    models = [item for item in candidates if item.format in MODEL_FORMATS]
    pickles = [item for item in candidates if item.format in PICKLE_FORMATS and (name is not None or item.signature)]
    if allow_pickle and not models:
        models = pickles
    if len(models) == 1:
        return models[0]
    if models:
        raise Invalid(
            f"Job {job.id} left several models: {', '.join(item.name for item in models)}.",
            field="output",
            remedy="Name the one to register: `--output NAME`, or `output=` in `%register`.",
        )
    shown = ", ".join(f"{item.name} ({item.type})" for item in candidates) or "nothing"
    if pickles and not allow_pickle:
        raise Invalid(
            f"Job {job.id} left a model that only a pickle can hold, which runs code when it is loaded: {shown}.",
            field="output",
            remedy="Use parts of xgboost, scikit-learn, lightgbm, ONNX or torch alone; or, if you trust who made it, "
            "register and deploy it with --allow-pickle.",
        )
    raise Invalid(
        f"Job {job.id} left no model that can be registered: {shown}.",
        field="output",
        remedy="Assign a model in the cell (xgboost, scikit-learn, lightgbm, ONNX, torch, a directory with handlers) and "
        "name it with `--output`.",
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
        metrics=finite(outcome.metrics),
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
    _added(transaction, version)
    return version


def view(connection: Connection, version: Version) -> VersionView:
    """A version with where it stands now."""
    standing = table.standing(connection, version.model, version.number)
    return _view(version, standing, table.aliases_of(connection, version.model))


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


def resolve(connection: Connection, text: str) -> VersionView:
    """The version that a reference means now. Raises NotFound, Invalid.

    A stage means the newest version in it. A bare name means the newest approved version; while none is approved, the newest
    that was not rejected.
    """
    reference = parse_reference(text)
    name, word = reference.name, reference.word
    if reference.version is not None:
        return view(connection, table.version(connection, name, reference.version))
    table.get(connection, name)
    if word is None:
        return view(connection, table.version(connection, name, _preferred(table.standings_of(connection, name))))
    pointers = table.aliases_of(connection, name)
    number = pointers.get(word) if word not in STAGES else next(iter(table.in_stage(connection, name, word)), None)
    if number is not None:
        return view(connection, table.version(connection, name, number))
    if word in STAGES:
        raise NotFound(
            f"No version of {name!r} is in {word}.",
            field="model",
            value=text,
            remedy=f"Bring one there: `%promote {name}@1 {word}`; `%models {name}` lists the versions.",
        )
    known = f"Its aliases: {', '.join(sorted(pointers))}." if pointers else "It has no aliases."
    raise NotFound(
        f"Model {name!r} has no alias {word!r}.",
        field="model",
        value=text,
        remedy=f"{known} {name}@1 names a version, {name}@production a stage, {name} the newest approved, else the newest.",
    )


def _preferred(standings: dict[int, Standing]) -> int | None:
    """What a bare name means; None for the newest, whatever became of it."""
    for accepted in (("approved",), ("approved", "pending")):
        numbers = [number for number, standing in standings.items() if standing.approval in accepted]
        if numbers:
            return max(numbers)
    return None


class Models:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def register(self, spec: RegisterSpec) -> VersionView:
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
            artifact = pick(job, job.outcome, spec.output, spec.allow_pickle)
            version = register(transaction, spec.model, job, artifact, job.outcome, spec.description, spec.tags)
            return view(transaction.connection, version)

    def take(self, spec: ImportSpec) -> VersionView:
        """Register bytes that came from elsewhere and lie in the store. The same bytes of the same source are one version,
        however often they come. Raises Invalid when the store does not have them, or they are no model."""
        if not is_model(spec.format, spec.allow_pickle):
            raise Invalid(
                f"{spec.format!r} is no format of models"
                + (" that is taken without --allow-pickle." if spec.format in PICKLE_FORMATS else "."),
                field="format",
                value=spec.format,
                remedy=f"Formats: {', '.join(MODEL_FORMATS)}.",
            )
        for digest in (spec.digest, spec.baseline):
            if digest is not None and not self._blobs.exists(digest_key(digest)):
                raise Invalid(
                    f"The bytes of the model ({digest[:12]}…) are not in the store.",
                    field="digest",
                    value=digest,
                    remedy="Send them first (PUT /blobs/{digest}); `%import` does so by itself.",
                )
        with self._database.write() as transaction:
            connection = transaction.connection
            known = table.imported(connection, spec.model, spec.digest, spec.source)
            if known is not None:
                return view(connection, known)
            facts = spec.model_dump(exclude={"allow_pickle", "metrics"})
            version = Version(
                **facts,
                number=table.next_number(connection, spec.model, transaction.now),
                created_at=transaction.now,
                metrics=finite(spec.metrics),
                job=None,
                output="",
            )
            return _added(transaction, version)

    def list(self) -> ModelList:
        with self._database.read() as connection:
            return ModelList(models=[_summary(connection, model, latest) for model, latest in table.newest(connection)])

    def get(self, name: str) -> ModelDetail:
        """Raises NotFound."""
        with self._database.read() as connection:
            return ModelDetail(model=table.get(connection, name), versions=views(connection, name))

    def version(self, name: str, number: int) -> VersionView:
        """Raises NotFound."""
        with self._database.read() as connection:
            return view(connection, table.version(connection, name, number))

    def resolve(self, text: str) -> VersionView:
        """The version that a reference means now; see `resolve` of this module. Raises NotFound, Invalid."""
        with self._database.read() as connection:
            return resolve(connection, text)

    def delete(self, name: str, number: int) -> VersionView:
        """Delete a version, which returns as it stood; `gc` then frees its bytes. Its number is not used again, and the log
        of its moves stays. Raises NotFound, and Conflict while something refers to it."""
        with self._database.write() as transaction:
            connection = transaction.connection
            found = view(connection, table.version(connection, name, number))
            _check_unused(found, endpoints.serving(connection, name, number))
            table.remove(connection, name, number)
            transaction.record("model.deleted", "model", found.reference, {"version": found.model_dump(mode="json")})
            return found

    def diff(self, before: str, after: str) -> VersionDiff:
        """What changed from one version to another. Raises NotFound, Invalid."""
        with self._database.read() as connection:
            old, new = resolve(connection, before), resolve(connection, after)
            return version_diff(
                old,
                new,
                evidence.of_version(connection, old.model, old.number, "evaluation"),
                evidence.of_version(connection, new.model, new.number, "evaluation"),
            )

    def evidence(self, name: str, number: int) -> EvidenceList:
        """What was measured of a version, newest first. Raises NotFound."""
        with self._database.read() as connection:
            table.version(connection, name, number)
            return EvidenceList(evidence=evidence.of_version(connection, name, number))


def _added(transaction: Transaction, version: Version) -> VersionView:
    table.add(transaction.connection, version)
    transaction.record("model.registered", "model", version.reference, {"version": version.model_dump(mode="json")})
    return view(transaction.connection, version)


def _check_unused(version: VersionView, served_by: Sequence[str]) -> None:
    uses = [
        (
            bool(served_by),
            f"is served by {', '.join(served_by)}",
            f"Give its share to another version (`%traffic {next(iter(served_by), '')}`), or take the endpoint down "
            f"(`%undeploy {next(iter(served_by), '')}`)",
        ),
        (
            version.stage in ("staging", "production"),
            f"is in {version.stage}",
            f"Move it out first: `%promote {version.reference} archived`",
        ),
        (
            bool(version.aliases),
            f"is what {', '.join(version.aliases)} points at",
            f"Point the alias at another version, or take it away: `%models unalias {version.model}@"
            f"{next(iter(version.aliases), '')}`",
        ),
    ]
    for used, how, remedy in uses:
        if used:
            raise Conflict(
                f"{version.reference} cannot be deleted: it {how}.",
                field="version",
                value=version.reference,
                remedy=f"{remedy}.",
            )

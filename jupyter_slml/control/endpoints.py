"""Use cases of endpoints: they record intent and read; the reconciler starts, switches and ends replicas."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection

from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.models import resolve
from jupyter_slml.control.shown import announce, revision_view, view, views
from jupyter_slml.domain import formats, traffic
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.names import new_id, parse_reference
from jupyter_slml.domain.records import Endpoint, Revision, Version
from jupyter_slml.domain.specs import DeploySpec, ScaleSpec, TakeBackSpec, TrafficSpec
from jupyter_slml.domain.states import Desired, EndpointState
from jupyter_slml.domain.views import DecisionList, EndpointList, EndpointView, RevisionList
from jupyter_slml.errors import Conflict, Invalid, NotFound
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import decisions
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage import models as models_table
from jupyter_slml.storage.database import Database, Transaction


class Endpoints:
    def __init__(self, database: Database, compute: Compute, gateway: Gateway, catalogue: Catalogue) -> None:
        self._database, self._compute, self._gateway, self._catalogue = database, compute, gateway, catalogue

    def deploy(self, spec: DeploySpec) -> EndpointView:
        """Ask for an endpoint that serves `spec.model`. Over a live endpoint this makes a new revision; the old one answers
        until the new one has loaded. Raises NotFound, Invalid, and Conflict while the endpoint is being taken down."""
        _check_follow(spec)
        with self._database.write() as transaction:
            # Here and not before: what the reference means must not move until the revision is stored.
            version = resolve(transaction.connection, spec.model)
            self._check(spec, version)
            name = spec.name or version.model
            known = table.find(transaction.connection, name)
            revision = _revise(transaction, name, spec, version)
            if known is None or known.state.is_final:
                endpoint = Endpoint(
                    name=name,
                    state=EndpointState.STARTING,
                    reason=f"Loads {version.reference}.",
                    revision=revision.id,
                    created_at=transaction.now,
                    updated_at=transaction.now,
                )
            else:
                # Bounds that were set by hand were set for what ran before.
                changes = {"revision": revision.id, "error": None, "min_replicas": None, "max_replicas": None}
                endpoint = _standing(known).evolve(**changes)
            return self._store(transaction, endpoint, "deployed")

    def followers(self) -> list[str]:
        """Endpoints whose newest revision follows its reference, and to another version than the one it serves."""
        with self._database.read() as connection:
            newest = table.following(connection)
            return [item.endpoint for item in newest if _meant(connection, item.spec.model) != (item.model, item.version)]

    def follow(self, name: str) -> None:
        """Have an endpoint serve the version that its reference means by now, with the options that it was deployed with.

        What counts is the newest revision: one that a rollback has left for a reason does not come back before the reference
        moves again. Where the reference means nothing, or what cannot be served, the endpoint stays and says so.
        """
        with self._database.write() as transaction:
            connection = transaction.connection
            endpoint, newest = table.find(connection, name), table.newest_revision(connection, name)
            if endpoint is None or endpoint.state.is_final or endpoint.desired is Desired.STOP:
                return
            if newest is None or not newest.spec.follow:
                return
            try:
                version = resolve(connection, newest.spec.model)
                if (version.model, version.number) == (newest.model, newest.version):
                    return
                self._check(newest.spec, version)
            except (NotFound, Invalid) as error:
                reason = f"Cannot follow {newest.spec.model}: {error.message}"
                if endpoint.reason != reason:
                    self._store(transaction, endpoint.evolve(reason=reason), "stays")
                return
            revision = _revise(transaction, name, newest.spec, version)
            self._store(transaction, endpoint.evolve(revision=revision.id, error=None, reason=""), "deployed")

    def remove(self, name: str) -> EndpointView:
        """Ask for an endpoint's end. Raises NotFound."""
        with self._database.write() as transaction:
            endpoint = table.get(transaction.connection, name)
            if endpoint.desired is Desired.STOP:
                return view(transaction.connection, endpoint, self._gateway)
            return self._store(transaction, endpoint.evolve(desired=Desired.STOP), "stop_requested")

    def share(self, name: str, spec: TrafficSpec) -> EndpointView:
        """Give the traffic other shares. Raises NotFound, Invalid for a revision that never answered, and Conflict."""
        with self._database.write() as transaction:
            connection = transaction.connection
            endpoint = _standing(table.get(connection, name))
            known = table.revisions_of(connection, name)
            wanted: dict[str, int] = {}
            for word, weight in spec.weights.items():
                revision = _named(endpoint, known, word)
                if revision.id in wanted:
                    raise Invalid(
                        f"Revision {revision.number} of {name!r} is named twice.",
                        field="weights",
                        value=word,
                        remedy="Name each revision once.",
                    )
                models_table.version(connection, revision.model, revision.version)
                wanted[revision.id] = weight
            return self._shift(transaction, endpoint, wanted, "shifted")

    def rollback(self, name: str, spec: TakeBackSpec | None = None) -> EndpointView:
        """Bring back the shares from before the last change, at once; one that still loads, or could not, is given up. With
        `spec`, nothing happens to an endpoint that has been given something else to serve since.

        Raises NotFound, also for a version that was deleted meanwhile, and Conflict when there is no way back.
        """
        with self._database.write() as transaction:
            connection = transaction.connection
            endpoint = _standing(table.get(connection, name))
            if spec is not None and (spec.revision, spec.traffic) != (endpoint.revision, endpoint.traffic):
                return view(connection, endpoint, self._gateway)
            unborn = endpoint.revision not in endpoint.traffic
            wanted = endpoint.traffic if unborn else endpoint.previous
            if not wanted:
                raise Conflict(
                    f"Endpoint {name!r} has served nothing else before.",
                    field="endpoint",
                    value=name,
                    remedy=f"Deploy the version that you want: `%deploy MODEL@N --name {name}`.",
                )
            for item in wanted:
                revision = table.get_revision(connection, item)
                models_table.version(connection, revision.model, revision.version)
            if unborn:
                endpoint = endpoint.evolve(revision=traffic.largest(wanted), error=None, reason="")
                return self._store(transaction, endpoint, "rolled_back")
            return self._shift(transaction, endpoint, wanted, "rolled_back")

    def scale(self, name: str, spec: ScaleSpec) -> EndpointView:
        """Set the bounds of the number of replicas, until the next deployment. Raises NotFound, Invalid, Conflict."""
        with self._database.write() as transaction:
            connection = transaction.connection
            endpoint = _standing(table.get(connection, name))
            changes = {key: value for key, value in spec if value is not None}
            changed = endpoint.evolve(**changes)
            scale = dict(endpoint.scale)
            for item in dict.fromkeys([endpoint.revision, *endpoint.traffic]):
                least, most = changed.bounds(table.get_revision(connection, item).spec)
                if least > most:
                    raise Invalid(
                        f"At least {least} replicas are more than at most {most}.",
                        field="min_replicas" if spec.min_replicas is not None else "max_replicas",
                        value=least,
                        remedy="Give both: --min and --max.",
                    )
                if item not in endpoint.traffic:
                    continue
                before = scale.get(item, 1)
                scale[item] = min(max(before, least), most)
                if scale[item] != before:
                    decisions.add(
                        connection,
                        name,
                        item,
                        at=transaction.now,
                        before=before,
                        after=scale[item],
                        reason=f"By hand: between {least} and {most}.",
                        inputs={"min": least, "max": most},
                    )
            return self._store(transaction, changed.evolve(scale=scale), "scaled")

    def wake(self, name: str, revision: str | None = None) -> EndpointView:
        """Have a replica of a revision, or of each that has traffic. Raises NotFound, Conflict."""
        with self._database.write() as transaction:
            endpoint = _standing(table.get(transaction.connection, name))
            wanted = [item for item in endpoint.traffic if revision in (None, item)]
            scale = {**endpoint.scale, **{item: max(1, endpoint.scale.get(item, 1)) for item in wanted}}
            failed = endpoint.state is EndpointState.FAILED and bool(wanted)
            if scale == endpoint.scale and not failed:
                return view(transaction.connection, endpoint, self._gateway)
            for item in wanted:
                before, after = endpoint.scale.get(item, 1), scale[item]
                if before != after:
                    decisions.add(
                        transaction.connection,
                        name,
                        item,
                        at=transaction.now,
                        before=before,
                        after=after,
                        reason="Woken on request.",
                        inputs={},
                    )
            changes: dict[str, object] = {"error": None} if failed else {}
            return self._store(transaction, endpoint.evolve(scale=scale, **changes), "woken")

    def get(self, name: str) -> EndpointView:
        """Raises NotFound."""
        with self._database.read() as connection:
            return view(connection, table.get(connection, name), self._gateway)

    def list(self) -> EndpointList:
        with self._database.read() as connection:
            return EndpointList(endpoints=views(connection, table.live(connection), self._gateway))

    def revisions(self, name: str, limit: int) -> RevisionList:
        """What an endpoint was given to serve, newest first. Raises NotFound."""
        with self._database.read() as connection:
            endpoint = table.get(connection, name)
            found = table.revisions_of(connection, name, limit)
            return RevisionList(revisions=[revision_view(endpoint, item) for item in found])

    def decisions(self, name: str, limit: int) -> DecisionList:
        """What the autoscaler decided, newest first. Raises NotFound."""
        with self._database.read() as connection:
            table.get(connection, name)
            return DecisionList(decisions=decisions.newest(connection, name, limit))

    def _store(self, transaction: Transaction, endpoint: Endpoint, kind: str) -> EndpointView:
        endpoint = endpoint.evolve(updated_at=transaction.now)
        table.put(transaction.connection, endpoint)
        announce(transaction, endpoint, kind, self._gateway)
        return view(transaction.connection, endpoint, self._gateway)

    def _shift(self, transaction: Transaction, endpoint: Endpoint, wanted: dict[str, int], kind: str) -> EndpointView:
        changes = endpoint.shifted(wanted)
        if endpoint.revision in endpoint.traffic and endpoint.revision not in wanted:
            # Else it would be taken for a new one that has not answered yet.
            changes["revision"] = changes["serving"]
        return self._store(transaction, endpoint.evolve(**changes, reason="", error=None), kind)

    def _check(self, spec: DeploySpec, version: Version) -> None:
        """Raises Invalid for what cannot be served, or not here."""
        if version.format in formats.PICKLE_FORMATS and not spec.allow_pickle:
            raise Invalid(
                f"{version.reference} is stored as {version.format}, which runs code when it is loaded.",
                field="model",
                value=spec.model,
                remedy="If you trust who made it: deploy with --allow-pickle.",
            )
        if not formats.is_model(version.format, spec.allow_pickle):
            raise Invalid(
                f"{version.reference} is stored as {version.format}, which cannot be served.",
                field="model",
                value=spec.model,
                remedy=f"Formats that can: {', '.join(formats.MODEL_FORMATS)}.",
            )
        problem = self._compute.fits(self._catalogue.get(spec.instance).resources)
        if problem is not None:
            raise Invalid(
                f"No worker can run a replica of type {spec.instance}: {problem}",
                field="instance",
                value=spec.instance,
                remedy="Choose a smaller type (--instance), or connect a larger cluster (jupyter slml connect).",
            )


def _revise(transaction: Transaction, name: str, spec: DeploySpec, version: Version) -> Revision:
    """Store the next revision of an endpoint."""
    revision = Revision(
        id=new_id("rev"),
        endpoint=name,
        number=table.next_revision(transaction.connection, name),
        model=version.model,
        version=version.number,
        spec=spec,
        created_at=transaction.now,
        token=secrets.token_hex(16),
    )
    table.add_revision(transaction.connection, revision)
    return revision


def _meant(connection: Connection, reference: str) -> tuple[str, int] | None:
    """What a reference means now; None for nothing."""
    try:
        version = resolve(connection, reference)
    except NotFound:
        return None
    return version.model, version.number


def _check_follow(spec: DeploySpec) -> None:
    """Raises Invalid for a deployment that cannot follow its reference."""
    if not spec.follow:
        return
    if parse_reference(spec.model).version is not None:
        raise Invalid(
            f"{spec.model} is one version and never moves, so there is nothing to follow.",
            field="follow",
            value=spec.model,
            remedy="Deploy a stage or an alias (churn@production, churn@champion), or leave --follow out.",
        )
    if spec.weight != traffic.WHOLE:
        raise Invalid(
            f"An endpoint that follows {spec.model} gives each new version all of the traffic, not {spec.weight} %.",
            field="weight",
            value=spec.weight,
            remedy="Leave --weight out, or --follow.",
        )


def _standing(endpoint: Endpoint) -> Endpoint:
    if endpoint.desired is Desired.STOP:
        raise _ending(endpoint.name)
    return endpoint


def _ending(name: str) -> Conflict:
    return Conflict(
        f"Endpoint {name!r} is being taken down.", field="name", value=name, remedy="Try again in a few seconds."
    )


def _named(endpoint: Endpoint, known: list[Revision], word: str) -> Revision:
    """The revision that a number or `name@version` means: the newest that answered once."""
    found = [item for item in known if word in (str(item.number), f"v{item.number}", f"{item.model}@{item.version}")]
    if not found:
        shown = ", ".join(f"{item.number} ({item.model}@{item.version})" for item in known[:10])
        raise NotFound(
            f"Endpoint {endpoint.name!r} has no revision {word!r}.",
            field="weights",
            value=word,
            remedy=f"Its revisions: {shown}.{f' `%deploy {word} --weight N` adds a version.' if '@' in word else ''}",
        )
    proved = [item for item in found if item.ready_at is not None]
    if not proved:
        raise Conflict(
            f"Revision {found[0].number} of {endpoint.name!r} ({found[0].model}@{found[0].version}) has not answered yet.",
            field="weights",
            value=word,
            remedy="Wait until it has loaded, or see in `%endpoints` why it could not.",
        )
    return proved[0]

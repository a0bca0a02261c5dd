"""Use cases of endpoints: they record intent and read; the reconciler starts, switches and ends replicas."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection

from jupyter_slml.control.gateway import Gateway
from jupyter_slml.control.models import Models
from jupyter_slml.domain.formats import MODEL_FORMATS
from jupyter_slml.domain.instances import Catalogue
from jupyter_slml.domain.names import new_id
from jupyter_slml.domain.records import Endpoint, Revision
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.domain.states import Desired, EndpointState
from jupyter_slml.domain.views import EndpointList, EndpointView, RevisionView
from jupyter_slml.errors import Conflict, Invalid
from jupyter_slml.ports.compute import Compute
from jupyter_slml.storage import endpoints as table
from jupyter_slml.storage.database import Database, Transaction


def announce(transaction: Transaction, endpoint: Endpoint, kind: str, gateway: Gateway) -> None:
    """Append an `endpoint.*` event that carries the endpoint as lists show it."""
    view = _view(transaction.connection, endpoint, gateway)
    transaction.record(f"endpoint.{kind}", "endpoint", endpoint.name, {"endpoint": view.model_dump(mode="json")})


def _view(connection: Connection, endpoint: Endpoint, gateway: Gateway) -> EndpointView:
    named = dict.fromkeys([*endpoint.traffic, endpoint.revision])
    revisions = sorted((table.get_revision(connection, item) for item in named), key=lambda item: item.number)
    shown = next(item for item in revisions if item.id == (endpoint.serving or endpoint.revision))
    return EndpointView(
        **dict(endpoint),
        url=gateway.url(endpoint.name),
        model=shown.model,
        version=shown.version,
        spec=revisions[-1].spec,
        replicas=table.open_replicas(connection, endpoint.name),
        revisions=[
            RevisionView(
                id=item.id,
                number=item.number,
                model=item.model,
                version=item.version,
                weight=endpoint.traffic.get(item.id, 0),
                instance=item.spec.instance,
                created_at=item.created_at,
            )
            for item in revisions
        ],
    )


class Endpoints:
    def __init__(self, database: Database, models: Models, compute: Compute, gateway: Gateway, catalogue: Catalogue) -> None:
        self._database, self._models, self._compute, self._gateway = database, models, compute, gateway
        self._catalogue = catalogue

    def deploy(self, spec: DeploySpec) -> EndpointView:
        """Ask for an endpoint that serves `spec.model`. Over a live endpoint this makes a new revision; the old one answers
        until the new one has loaded. Raises NotFound, Invalid, and Conflict while the endpoint is being taken down."""
        version = self._models.resolve(spec.model)
        if version.format not in MODEL_FORMATS:
            raise Invalid(
                f"{version.reference} is stored as {version.format}, which cannot be served.",
                field="model",
                value=spec.model,
                remedy=f"Formats that can: {', '.join(MODEL_FORMATS)}.",
            )
        problem = self._compute.fits(self._catalogue.get(spec.instance).resources)
        if problem is not None:
            raise Invalid(
                f"No worker can run a replica of type {spec.instance}: {problem}",
                field="instance",
                value=spec.instance,
                remedy="Choose a smaller type (--instance), or connect a larger cluster (jupyter slml connect).",
            )
        name = spec.name or version.model
        with self._database.write() as transaction:
            connection = transaction.connection
            known = table.find(connection, name)
            if known is not None and known.state is EndpointState.STOPPING:
                raise Conflict(
                    f"Endpoint {name!r} is being taken down.",
                    field="name",
                    value=name,
                    remedy="Try again in a few seconds.",
                )
            revision = Revision(
                id=new_id("rev"),
                endpoint=name,
                number=table.next_revision(connection, name),
                model=version.model,
                version=version.number,
                spec=spec,
                created_at=transaction.now,
                token=secrets.token_hex(16),
            )
            table.add_revision(connection, revision)
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
                endpoint = known.evolve(revision=revision.id, desired=Desired.RUN, updated_at=transaction.now, error=None)
            table.put(connection, endpoint)
            announce(transaction, endpoint, "deployed", self._gateway)
            return _view(connection, endpoint, self._gateway)

    def remove(self, name: str) -> EndpointView:
        """Ask for an endpoint's end. Raises NotFound."""
        with self._database.write() as transaction:
            endpoint = table.get(transaction.connection, name)
            if endpoint.desired is not Desired.STOP:
                endpoint = endpoint.evolve(desired=Desired.STOP, updated_at=transaction.now)
                table.put(transaction.connection, endpoint)
                announce(transaction, endpoint, "stop_requested", self._gateway)
            return _view(transaction.connection, endpoint, self._gateway)

    def get(self, name: str) -> EndpointView:
        """Raises NotFound."""
        with self._database.read() as connection:
            return _view(connection, table.get(connection, name), self._gateway)

    def list(self) -> EndpointList:
        with self._database.read() as connection:
            return EndpointList(endpoints=[_view(connection, item, self._gateway) for item in table.live(connection)])

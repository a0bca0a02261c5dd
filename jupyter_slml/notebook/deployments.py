"""`slml.endpoints`: endpoints in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.notebook.endpoint import EndpointHandle
from jupyter_slml.notebook.endpoints import READY_TIMEOUT, deploy, find_endpoint, list_endpoints
from jupyter_slml.notebook.promote import reference
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table


class Endpoints:
    """`slml.endpoints`. `get(name)` gives a handle, which has the same verbs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def deploy(self, model: str, *, wait: float = READY_TIMEOUT, **options: Any) -> EndpointHandle:
        """Serve a model; returns when it answers.

        `options` are those of `%deploy` (`name=`, `min_replicas=`, `weight=`, `follow=`, …). Raises NotFound, DeployFailed,
        Unavailable, Invalid, Conflict.
        """
        return deploy(self._session, DeploySpec.parse({"model": reference(model), **options}), wait)

    def get(self, name: str) -> EndpointHandle:
        """Raises NotFound."""
        return find_endpoint(self._session, name)

    def list(self) -> Table:
        return list_endpoints(self._session)

    def invoke(self, name: str, rows: Any) -> Any:
        """Predict for a DataFrame, a 2-d array, or a list of rows. Raises NotFound, Invalid, Unavailable."""
        return self.get(name).invoke(rows)

    def traffic(self, name: str, shares: Mapping[Any, int]) -> EndpointHandle:
        """Share the traffic anew: `{7: 90, "churn@8": 10}`, by revision number or version.

        Raises NotFound, Invalid, Conflict.
        """
        return self.get(name).traffic(shares)

    def scale(self, name: str, min_replicas: int | None = None, max_replicas: int | None = None) -> EndpointHandle:
        """Set the bounds of the number of replicas, until the next deployment. Raises NotFound, Invalid."""
        return self.get(name).scale(min_replicas, max_replicas)

    def rollback(self, name: str) -> EndpointHandle:
        """Give the traffic back to what had it before. Raises NotFound, Conflict."""
        return self.get(name).rollback()

    def wake(self, name: str) -> EndpointHandle:
        """Have a replica although nobody calls yet. Raises NotFound."""
        return self.get(name).wake()

    def decisions(self, name: str, limit: int = 20) -> Table:
        """What the autoscaler decided and saw, newest first. Raises NotFound."""
        return self.get(name).decisions(limit)

    def revisions(self, name: str, limit: int = 20) -> Table:
        """What it was given to serve, newest first. Raises NotFound."""
        return self.get(name).revisions(limit)

    def remove(self, name: str) -> EndpointHandle:
        """Take it down; requests under way are answered first. Raises NotFound."""
        return self.get(name).remove()

    def __repr__(self) -> str:
        return repr(self.list())

    def _repr_html_(self) -> str:
        return self.list()._repr_html_()

"""`%deploy`, `%invoke`, `%endpoint`, `%endpoints`, `%traffic`, `%scale`, `%undeploy`."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.specs import DeployOptions, DeploySpec
from jupyter_slml.domain.traffic import read_shares
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.endpoint import EndpointHandle
from jupyter_slml.notebook.load import served
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table
from jupyter_slml.notebook.words import look_up

#: Seconds that `%deploy` waits for the first answer.
READY_TIMEOUT = 120.0


class DeployLine(DeployOptions):
    model: str = Field(
        description="NAME, NAME@VERSION or NAME@ALIAS.", json_schema_extra={"positional": True, "metavar": "MODEL"}
    )
    no_wait: bool = Field(
        default=False, description="Return at once, before it answers.", json_schema_extra={"flags": ["--no-wait"]}
    )


class InvokeLine(Frozen):
    name: str = Field(description="Name of the endpoint.", json_schema_extra={"positional": True, "metavar": "ENDPOINT"})
    rows: Any = Field(
        default=None,
        description="A variable or {expression}: a DataFrame, a 2-d array or a list of rows.",
        json_schema_extra={"flags": ["--rows", "-r"], "metavar": "ROWS"},
    )
    json_text: str | None = Field(
        default=None,
        description="The rows as JSON text: '[[1, 2]]' or '{\"columns\": […], \"data\": […]}'.",
        json_schema_extra={"flags": ["--json"], "metavar": "TEXT"},
    )


class NameLine(Frozen):
    name: str = Field(description="Name of the endpoint.", json_schema_extra={"positional": True, "metavar": "ENDPOINT"})


class EndpointLine(NameLine):
    revisions: bool = Field(
        default=False,
        description="Show what it was given to serve, and with which shares.",
        json_schema_extra={"flags": ["--revisions"]},
    )
    decisions: bool = Field(
        default=False,
        description="Show what the autoscaler decided, and what it saw.",
        json_schema_extra={"flags": ["--decisions"]},
    )
    limit: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Rows at most, of revisions or decisions.",
        json_schema_extra={"flags": ["--limit"], "metavar": "N"},
    )
    wake: bool = Field(
        default=False,
        description="Have a replica although nobody calls yet.",
        json_schema_extra={"flags": ["--wake"]},
    )


class TrafficLine(NameLine):
    shares: list[Any] = Field(
        default_factory=list,
        description="Percents by revision number or name@version: 7=90 churn@8=10. Together 100. Unset: show them.",
        json_schema_extra={"positional": True, "metavar": "SHARES", "many": True},
    )


class ScaleLine(NameLine):
    min_replicas: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Replicas that always run.",
        json_schema_extra={"flags": ["--min"], "metavar": "N"},
    )
    max_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Replicas at most.",
        json_schema_extra={"flags": ["--max"], "metavar": "N"},
    )


class NothingLine(Frozen):
    """No options."""


def deploy(session: Session, spec: DeploySpec, wait: float = READY_TIMEOUT) -> EndpointHandle:
    """Serve a model. With `wait`, return when it answers.

    Raises NotFound for an unknown model, DeployFailed with the loading error, Unavailable when it takes too long.
    """
    return EndpointHandle(session, session.client.endpoints.deploy(spec, wait=wait))


def find_endpoint(session: Session, name: str) -> EndpointHandle:
    """Raises NotFound."""
    return EndpointHandle(session, session.client.endpoints.get(name))


def list_endpoints(session: Session) -> Table:
    rows = [
        [
            view.name,
            view.state.value,
            served(view),
            str(sum(replica.state == "ready" for replica in view.replicas)),
            view.url,
            view.reason,
        ]
        for view in session.client.endpoints.list().endpoints
    ]
    columns = ["endpoint", "state", "model", "replicas", "url", "reason"]
    return Table(columns, rows, empty="No endpoints. `%deploy MODEL` makes one.")


def _deploy(session: Session, line: DeployLine, cell: Cell) -> EndpointHandle:
    options = {name: getattr(line, name) for name in DeployOptions.model_fields} | {"model": line.model}
    return deploy(session, DeploySpec.parse(options), 0.0 if line.no_wait else READY_TIMEOUT)


def _invoke(session: Session, line: InvokeLine, cell: Cell) -> Any:
    if (line.rows is None) == (line.json_text is None):
        raise Invalid(
            "%invoke needs the rows to predict: either --rows or --json.",
            field="--rows",
            remedy=f"For example: %invoke {line.name} --rows df",
        )
    rows = line.rows
    if line.json_text is not None:
        try:
            rows = json.loads(line.json_text)
        except ValueError as error:
            raise Invalid(
                f"--json is not valid JSON: {error}.",
                field="--json",
                value=line.json_text,
                remedy="Put it in single quotes: --json '[[1, 2, 3]]'",
            ) from None
    elif isinstance(rows, str):
        rows = look_up(rows, session.namespace)
    return find_endpoint(session, line.name).invoke(rows)


def _endpoint(session: Session, line: EndpointLine, cell: Cell) -> Any:
    found = find_endpoint(session, line.name)
    if line.wake:
        found.wake()
    if line.revisions or line.decisions:
        return found.decisions(line.limit) if line.decisions else found.revisions(line.limit)
    return found.widget() if session.surroundings.place in ("vscode", "colab") else found


def _traffic(session: Session, line: TrafficLine, cell: Cell) -> Any:
    found = find_endpoint(session, line.name)
    if not line.shares:
        return found.revisions()
    words: list[str] = []
    for item in line.shares:
        words += [f"{key}={share}" for key, share in item.items()] if isinstance(item, dict) else [str(item)]
    return found.traffic(read_shares(words))


def _scale(session: Session, line: ScaleLine, cell: Cell) -> EndpointHandle:
    if line.min_replicas is None and line.max_replicas is None:
        raise Invalid(
            "%scale needs --min, --max or both.",
            field="--min",
            remedy=f"For example: %scale {line.name} --min 1 --max 4",
        )
    return find_endpoint(session, line.name).scale(line.min_replicas, line.max_replicas)


def _undeploy(session: Session, line: NameLine, cell: Cell) -> EndpointHandle:
    return find_endpoint(session, line.name).remove()


def _endpoints(session: Session, line: NothingLine, cell: Cell) -> Table:
    return list_endpoints(session)


MAGICS = (
    Magic("deploy", "line", Options("%deploy", DeployLine, "Serve a model over HTTP.", "%deploy churn@3"), _deploy),
    Magic(
        "invoke",
        "line",
        Options("%invoke", InvokeLine, "Predict with an endpoint.", "%invoke churn --rows df.head()"),
        _invoke,
    ),
    Magic(
        "endpoint",
        "line",
        Options(
            "%endpoint",
            EndpointLine,
            "Show an endpoint: state, replicas, traffic, latency, cold starts, cost.",
            "%endpoint churn\n%endpoint churn --decisions",
        ),
        _endpoint,
    ),
    Magic(
        "traffic",
        "line",
        Options(
            "%traffic",
            TrafficLine,
            "Share an endpoint's traffic anew.",
            "%traffic churn 7=90 8=10\n%traffic churn churn@8=100",
        ),
        _traffic,
    ),
    Magic(
        "scale",
        "line",
        Options("%scale", ScaleLine, "Set the bounds of an endpoint's replicas.", "%scale churn --min 1 --max 8"),
        _scale,
    ),
    Magic("undeploy", "line", Options("%undeploy", NameLine, "Take an endpoint down.", "%undeploy churn"), _undeploy),
    Magic("endpoints", "line", Options("%endpoints", NothingLine, "List the endpoints.", "%endpoints"), _endpoints),
)

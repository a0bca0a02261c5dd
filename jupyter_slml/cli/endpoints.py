"""`endpoints` and its verbs, `invoke`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from jupyter_slml.cli.groups import Named
from jupyter_slml.cli.spelling import read, spelled
from jupyter_slml.cli.tables import ago, numbers, table
from jupyter_slml.client import connect
from jupyter_slml.domain.specs import DeployOptions, DeploySpec
from jupyter_slml.domain.traffic import read_shares
from jupyter_slml.domain.views import EndpointView
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.load import figures, served
from jupyter_slml.notebook.options import Options

#: Seconds that a deployment may take before the command gives up waiting.
DEPLOY_WAIT = 120.0

_DEPLOY = Options(
    "jupyter slml endpoints deploy", DeployOptions, "Serve a model.", "jupyter slml endpoints deploy churn@3 --min 1"
)


@click.group(cls=Named, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def endpoints(context: click.Context, as_json: bool) -> None:
    """List endpoints, or show one; deploy, share traffic, scale, roll back, remove.

    \b
    Example:
      jupyter slml endpoints
      jupyter slml endpoints churn
      jupyter slml endpoints deploy churn@8 --weight 10
      jupyter slml endpoints traffic churn 7=50 8=50
      jupyter slml endpoints remove churn
    """
    if context.invoked_subcommand is not None:
        return
    found = connect().endpoints.list()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    rows = [
        (item.name, item.state.value, served(item), _ready(item), ago(item.updated_at), item.url) for item in found.endpoints
    ]
    table(
        ("ENDPOINT", "STATE", "MODEL", "REPLICAS", "CHANGED", "URL"),
        rows,
        "No endpoints: jupyter slml endpoints deploy MODEL",
    )


@endpoints.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(name: str, as_json: bool) -> None:
    """Show an endpoint: state, replicas, traffic, latency, cold starts, cost.

    \b
    Example:
      jupyter slml endpoints show churn
    """
    client = connect()
    found = client.endpoints.get(name)
    load = client.endpoints.load(name).model_dump(mode="json")
    if as_json:
        click.echo(json.dumps({**found.model_dump(mode="json"), "load": load}, indent=2))
        return
    _say(found, figures(load))


@endpoints.command()
@click.argument("model")
@click.option("--no-wait", is_flag=True, help="Return at once, before it answers.")
@spelled(_DEPLOY)
def deploy(model: str, no_wait: bool, **given: Any) -> None:
    """Serve a model behind an endpoint and wait until it answers.

    \b
    Example:
      jupyter slml endpoints deploy churn@3 --name churn-live
      jupyter slml endpoints deploy churn@production --follow --min 1 --max 8 --target-latency 20ms
      jupyter slml endpoints deploy churn@8 --weight 10
    """
    spec = DeploySpec.parse({"model": model, **dict(read(_DEPLOY, given))})
    view = connect().endpoints.deploy(spec, wait=0.0 if no_wait else DEPLOY_WAIT)
    asked = next(item for item in view.revisions if item.id == view.revision)
    verb = "loads" if no_wait else "serves"
    click.echo(f"{view.name} {verb} {asked.model}@{asked.version} (revision {asked.number}) at {view.url}")


@endpoints.command()
@click.argument("name")
@click.argument("shares", nargs=-1)
def traffic(name: str, shares: tuple[str, ...]) -> None:
    """Share the traffic of an endpoint anew: percents by revision number or NAME@VERSION, 100 in all. Without shares: show
    them.

    \b
    Example:
      jupyter slml endpoints traffic churn
      jupyter slml endpoints traffic churn 7=90 8=10
      jupyter slml endpoints traffic churn churn@8=100
    """
    client = connect()
    if not shares:
        _show_revisions(name, 20)
        return
    _say(client.endpoints.share(name, read_shares(shares)))


@endpoints.command()
@click.argument("name")
@click.option("--min", "min_replicas", type=click.IntRange(0, 1000), default=None, help="Replicas that always run.")
@click.option("--max", "max_replicas", type=click.IntRange(1, 1000), default=None, help="Replicas at most.")
def scale(name: str, min_replicas: int | None, max_replicas: int | None) -> None:
    """Set the bounds of an endpoint's replicas, until the next deployment.

    \b
    Example:
      jupyter slml endpoints scale churn --min 1 --max 8
    """
    if min_replicas is None and max_replicas is None:
        raise Invalid(
            "Neither --min nor --max is given.",
            field="--min",
            remedy=f"For example: jupyter slml endpoints scale {name} --min 1 --max 8",
        )
    _say(connect().endpoints.scale(name, min_replicas, max_replicas))


@endpoints.command()
@click.argument("name")
def rollback(name: str) -> None:
    """Give the traffic of an endpoint back to what had it before.

    \b
    Example:
      jupyter slml endpoints rollback churn
    """
    _say(connect().endpoints.rollback(name))


@endpoints.command()
@click.argument("name")
def wake(name: str) -> None:
    """Have a replica although nobody calls yet.

    \b
    Example:
      jupyter slml endpoints wake churn
    """
    _say(connect().endpoints.wake(name))


@endpoints.command()
@click.argument("name")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def revisions(name: str, limit: int, as_json: bool) -> None:
    """List what an endpoint was given to serve, newest first.

    \b
    Example:
      jupyter slml endpoints revisions churn
    """
    if as_json:
        click.echo(connect().endpoints.revisions(name, limit).model_dump_json(indent=2))
        return
    _show_revisions(name, limit)


@endpoints.command()
@click.argument("name")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def decisions(name: str, limit: int, as_json: bool) -> None:
    """List what the autoscaler decided and what it saw, newest first.

    \b
    Example:
      jupyter slml endpoints decisions churn
    """
    client = connect()
    found = client.endpoints.decisions(name, limit)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    known = {item.id: item.number for item in client.endpoints.revisions(name, 1000).revisions}
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(item.at)),
            known.get(item.revision, item.revision),
            f"{item.before} -> {item.after}",
            item.reason,
            numbers(item.inputs),
        )
        for item in found.decisions
    ]
    table(("WHEN", "REVISION", "REPLICAS", "WHY", "SEEN (TIMES IN SECONDS)"), rows, "Nothing was decided yet.")


@endpoints.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take an endpoint down; requests under way are answered first.

    \b
    Example:
      jupyter slml endpoints remove churn
    """
    view = connect().endpoints.remove(name)
    click.echo(f"{view.name} is being taken down.")


@click.command()
@click.argument("name")
@click.option("--data", "-d", default=None, help="The body itself, or @FILE. Default: standard input.")
@click.option("--content-type", "-t", default=None, help="Default: by the file's ending, else application/json.")
def invoke(name: str, data: str | None, content_type: str | None) -> None:
    """Send one request to an endpoint and print its answer.

    \b
    Example:
      jupyter slml invoke churn -d '[[0.1, 3, 12.5]]'
      jupyter slml invoke churn -d @rows.csv
    """
    kind = content_type or "application/json"
    if data is None:
        body = sys.stdin.buffer.read()
    elif data.startswith("@"):
        path = Path(data[1:])
        if not path.is_file():
            raise Invalid(f"There is no file {str(path)!r}.", field="--data", value=path)
        body = path.read_bytes()
        kind = content_type or ("text/csv" if path.suffix == ".csv" else "application/json")
    else:
        body = data.encode()
    _, answer = connect().endpoints.invoke(name, body, kind)
    click.echo(answer.decode())


def _say(view: EndpointView, more: list[tuple[str, str]] | None = None) -> None:
    """An endpoint as it is now."""
    least, most = view.bounds(view.spec)
    lines = {
        "Endpoint": view.name,
        "State": f"{view.state.value}{f': {view.reason}' if view.reason else ''}",
        "Serves": served(view),
        "Follows": view.spec.model if view.spec.follow else "",
        "Replicas": f"{_ready(view)} ready, between {least} and {most}{' of each' if len(view.traffic) > 1 else ''}",
        **{title.capitalize(): words for title, words in more or ()},
        "Error": "" if view.error is None else f"{view.error.get('ename')}: {view.error.get('evalue')}",
        "URL": view.url,
    }
    for name, value in lines.items():
        if value:
            click.echo(f"{name:<12}{value}")


def _show_revisions(name: str, limit: int) -> None:
    rows = [
        (
            item.number,
            f"{item.model}@{item.version}",
            f"{item.weight} %" if item.weight else "-",
            item.instance,
            ago(item.created_at),
            ago(item.ready_at) if item.ready_at else "never",
        )
        for item in connect().endpoints.revisions(name, limit).revisions
    ]
    table(("REVISION", "MODEL", "TRAFFIC", "INSTANCE", "DEPLOYED", "ANSWERED FIRST"), rows, "")


def _ready(view: EndpointView) -> int:
    return sum(replica.state == "ready" and not replica.standby for replica in view.replicas)

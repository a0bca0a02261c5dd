"""`endpoints`, `invoke`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jupyter_slml.cli.tables import ago, table
from jupyter_slml.client import connect
from jupyter_slml.domain.specs import DeploySpec
from jupyter_slml.errors import Invalid

#: Seconds that a deployment may take before the command gives up waiting.
DEPLOY_WAIT = 120.0


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def endpoints(context: click.Context, as_json: bool) -> None:
    """List endpoints; deploy or remove one.

    \b
    Example:
      jupyter slml endpoints
      jupyter slml endpoints deploy churn@3
      jupyter slml endpoints remove churn
    """
    if context.invoked_subcommand is not None:
        return
    found = connect().endpoints.list()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    rows = [
        (item.name, item.state.value, f"{item.model}@{item.version}", len(item.replicas), ago(item.updated_at), item.url)
        for item in found.endpoints
    ]
    table(
        ("ENDPOINT", "STATE", "MODEL", "REPLICAS", "CHANGED", "URL"),
        rows,
        "No endpoints: jupyter slml endpoints deploy MODEL",
    )


@endpoints.command()
@click.argument("model")
@click.option("--name", "-n", default=None, help="Name of the endpoint (default: the model's).")
@click.option("--instance", "-i", default=None, help="Instance type of a replica.")
def deploy(model: str, name: str | None, instance: str | None) -> None:
    """Serve a model behind an endpoint and wait until it answers.

    \b
    Example:
      jupyter slml endpoints deploy churn@3 --name churn-live
    """
    given = {"model": model, "name": name, "instance": instance}
    spec = DeploySpec.parse({key: value for key, value in given.items() if value is not None})
    view = connect().endpoints.deploy(spec, wait=DEPLOY_WAIT)
    click.echo(f"{view.name} serves {view.model}@{view.version} at {view.url}")


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

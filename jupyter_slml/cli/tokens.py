"""`tokens`: who else may call endpoints."""

from __future__ import annotations

import time
from typing import Any

import click

from jupyter_slml.cli.spelling import read, spelled
from jupyter_slml.cli.tables import ago, table
from jupyter_slml.client import connect
from jupyter_slml.domain.specs import TokenOptions, TokenSpec
from jupyter_slml.domain.views import TokenView
from jupyter_slml.notebook.options import Options

_CREATE = Options(
    "jupyter slml tokens create", TokenOptions, "Make a token.", "jupyter slml tokens create batch-job --endpoint churn"
)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def tokens(context: click.Context, as_json: bool) -> None:
    """List the tokens of callers; create one, or take one back.

    \b
    Example:
      jupyter slml tokens
      jupyter slml tokens create batch-job --endpoint churn --expires 30d
      jupyter slml tokens delete batch-job
    """
    if context.invoked_subcommand is not None:
        return
    found = connect().tokens.list()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    rows = [
        (item.name, item.id, ",".join(item.endpoints), ",".join(item.scopes), ago(item.created_at), _expiry(item))
        for item in found.tokens
    ]
    table(
        ("TOKEN", "ID", "ENDPOINTS", "SCOPES", "MADE", "EXPIRES"),
        rows,
        "No tokens but the workspace's own: jupyter slml tokens create NAME",
    )


@tokens.command()
@click.argument("name")
@spelled(_CREATE)
@click.option("--to", default=None, metavar="FILE", help="Write the secret to this file (0600) in place of showing it.")
def create(name: str, to: str | None, **given: Any) -> None:
    """Make a token. Its secret is shown this once, alone on standard output.

    \b
    Example:
      jupyter slml tokens create batch-job --endpoint churn --expires 30d
      jupyter slml tokens create grafana --scope metrics --to grafana.token
    """
    client = connect()
    made = client.tokens.make(TokenSpec.parse({"name": name, **dict(read(_CREATE, given))}))
    if to is not None:
        client.tokens.save(made, to)
    click.echo(f"{made.name} ({made.id}), expires: {_expiry(made)}{f'; the secret is in {to}' if to else ''}", err=True)
    if to is None:
        click.echo(made.secret)


@tokens.command()
@click.argument("token")
def delete(token: str) -> None:
    """Take a token back, by name or id: the gateway refuses it from now on.

    \b
    Example:
      jupyter slml tokens delete batch-job
    """
    gone = connect().tokens.remove(token)
    click.echo(f"Deleted: {gone.name} ({gone.id})")


def _expiry(token: TokenView) -> str:
    if token.expires_at is None:
        return "never"
    gone = " (expired)" if token.expires_at <= time.time() else ""
    return f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(token.expires_at))}{gone}"

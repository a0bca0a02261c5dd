"""`models`."""

from __future__ import annotations

import click

from jupyter_slml.cli.tables import ago, numbers, table
from jupyter_slml.client import connect


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def models(name: str | None, as_json: bool) -> None:
    """List registered models, or the versions of one.

    \b
    Example:
      jupyter slml models
      jupyter slml models churn
    """
    client = connect()
    if name is None:
        found = client.models.list()
        if as_json:
            click.echo(found.model_dump_json(indent=2))
            return
        rows = [
            (item.name, item.latest.number, item.latest.type, ago(item.latest.created_at), numbers(item.latest.metrics))
            for item in found.models
        ]
        table(("MODEL", "NEWEST", "TYPE", "REGISTERED", "METRICS"), rows, "No models: run a job with --register NAME.")
        return
    detail = client.models.get(name)
    if as_json:
        click.echo(detail.model_dump_json(indent=2))
        return
    lines = [
        (item.reference, item.type, item.format, item.digest[:12], item.job, ago(item.created_at), numbers(item.metrics))
        for item in detail.versions
    ]
    table(("VERSION", "TYPE", "FORMAT", "DIGEST", "JOB", "REGISTERED", "METRICS"), lines, "")

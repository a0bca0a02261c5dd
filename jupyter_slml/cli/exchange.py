"""`models export`, `models import` and `models evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_slml.cli.tables import numbers
from jupyter_slml.client import connect
from jupyter_slml.domain.records import Job
from jupyter_slml.domain.states import JobState
from jupyter_slml.errors import JobFailed

_PICKLE = "Allow a model that is a pickle, which runs code when it is loaded."


@click.command("export")
@click.argument("model")
@click.argument("path", required=False)
@click.option("--to", default="dir", metavar="KIND", help="mlflow, onnx, kserve, xgboost or dir (everything).")
@click.option("--uri", default=None, help="With kserve: where its cluster will find the model directory.")
@click.option("--allow-pickle", is_flag=True, help=_PICKLE)
def export_model(model: str, path: str | None, to: str, uri: str | None, allow_pickle: bool) -> None:
    """Write a version for another system.

    \b
    Example:
      jupyter slml models export churn@7 --to mlflow
      jupyter slml models export churn@production churn.onnx --to onnx
    """
    from jupyter_slml.notebook.exchange import ExportLine, give

    line = ExportLine.parse({"model": model, "path": path, "to": to, "uri": uri, "allow_pickle": allow_pickle})
    click.echo(f"{model} lies in {give(connect(), line)}")


@click.command("import")
@click.argument("path")
@click.option("--as", "model", required=True, metavar="MODEL", help="Name of the model.")
@click.option("--description", default="", help="What people should know of it.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=TEXT", help="A tag. May be repeated.")
@click.option("--allow-pickle", is_flag=True, help=_PICKLE)
def import_model(path: str, model: str, description: str, tags: tuple[str, ...], allow_pickle: bool) -> None:
    """Register a model that was made elsewhere: an MLflow directory, model.tar.gz, a directory with handlers, a file.

    \b
    Example:
      jupyter slml models import model.tar.gz --as churn
      jupyter slml models import churn.onnx --as churn --tag team=growth
    """
    from jupyter_slml.notebook.exchange import ImportLine, take

    split = dict(tag.partition("=")[::2] for tag in tags)
    given = {"path": path, "model": model, "description": description, "tags": split, "allow_pickle": allow_pickle}
    found = take(connect(), ImportLine.parse(given))
    click.echo(f"{found.reference}: {found.type} ({found.format}), from {found.source}")


@click.command("evaluate")
@click.argument("model")
@click.option("--input", "source", required=True, metavar="TABLE", help="A file, a folder or a URI.")
@click.option("--target", "-t", required=True, metavar="COLUMN", help="The column that holds what is true.")
@click.option("--name", "-n", default=None, help="Name of the job and of the evidence.")
@click.option("--instance", "-i", default="cpu.small", help="Instance type.")
@click.option("--allow-pickle", is_flag=True, help=_PICKLE)
@click.option("--no-wait", is_flag=True, help="Return at once.")
def evaluate_model(
    model: str, source: str, target: str, name: str | None, instance: str, allow_pickle: bool, no_wait: bool
) -> None:
    """Measure a version on a table; the metrics and figures become evidence for it.

    \b
    Example:
      jupyter slml models evaluate churn@7 --input test.csv --target late
    """
    from jupyter_slml.client.evaluations import DATA, submit
    from jupyter_slml.notebook.inputs import resolve_inputs

    client = connect()
    version = client.models.resolve(model)
    uri = resolve_inputs({DATA: source}, Path.cwd())[DATA]
    job = submit(
        client,
        version,
        target=target,
        source=source,
        uri=uri,
        name=name,
        instance=instance,
        allow_pickle=allow_pickle,
    )
    if no_wait:
        click.echo(f"{version.reference} is measured by {job.id}.")
        return
    while not job.state.is_final:
        job = client.jobs.wait(job.id, timeout=20.0)
    _check(job)
    click.echo(f"{version.reference} on {source}: {numbers(job.metrics)}")


def _check(job: Job) -> None:
    if job.state is not JobState.SUCCEEDED:
        why = (job.outcome.message if job.outcome else "") or job.reason
        remedy = f"See what it printed: jupyter slml logs {job.id}"
        raise JobFailed(f"The evaluation {job.id} {job.state.value}: {why}", field="job", value=job.id, remedy=remedy)

"""The group of all commands, and how failures leave."""

from __future__ import annotations

import sys

import click

from jupyter_slml import __version__
from jupyter_slml.cli.console import console
from jupyter_slml.cli.demo import demo
from jupyter_slml.cli.doctor import doctor
from jupyter_slml.cli.endpoints import endpoints, invoke
from jupyter_slml.cli.exchange import evaluate_model, export_model, import_model
from jupyter_slml.cli.gc import gc
from jupyter_slml.cli.jobs import jobs, logs, parts
from jupyter_slml.cli.models import models
from jupyter_slml.cli.spelling import in_shell
from jupyter_slml.cli.tokens import tokens
from jupyter_slml.cli.trials import trials
from jupyter_slml.cli.workspace import config, connect, start, status, stop
from jupyter_slml.errors import SlmlError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jupyter slml")
def slml() -> None:
    """Serverless machine learning inside Jupyter: managed jobs, models and endpoints.

    \b
    Example:
      jupyter slml demo        train, register, deploy and call a model, from a notebook
      jupyter slml status      what runs in this workspace
    """


for command in (
    start,
    stop,
    status,
    demo,
    doctor,
    jobs,
    logs,
    parts,
    trials,
    models,
    endpoints,
    invoke,
    console,
    tokens,
    connect,
    config,
    gc,
):
    slml.add_command(command)

for verb in (evaluate_model, export_model, import_model):
    models.add_command(verb)


def main() -> None:
    """Entry point of `jupyter slml`."""
    try:
        slml(prog_name="jupyter slml")
    except SlmlError as error:
        click.echo(f"{click.style('Error', fg='red')}: {in_shell(str(error))}", err=True)
        sys.exit(1)

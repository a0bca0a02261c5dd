"""Options of commands made from specs, and remedies in the shell's words."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from jupyter_slml.cli.spelling import in_shell, read, spelled
from jupyter_slml.domain.specs import DeployOptions
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.options import Options

OPTIONS = Options("deploy", DeployOptions, "Serve a model.", "deploy churn")


@click.command()
@spelled(OPTIONS)
def command(**given: Any) -> None:
    click.echo(read(OPTIONS, given).model_dump_json(exclude_defaults=True))


def test_every_option_of_the_spec_is_an_option_of_the_command() -> None:
    known = {flag for option in command.params for flag in option.opts}
    assert known >= {flag for entry in OPTIONS.entries for flag in entry.flags}
    done = CliRunner().invoke(
        command, ["--min", "1", "--follow", "--schedule", "0 8,9 * * *=2", "--redact", "a,b", "--idle", "5m"]
    )
    assert done.stdout == ('{"min_replicas":1,"idle":300.0,"schedule":["0 8,9 * * *=2"],"follow":true,"redact":["a","b"]}\n')


def test_a_wrong_value_is_told_as_it_is_spelled_here() -> None:
    error = CliRunner().invoke(command, ["--policy", "quick"]).exception
    assert isinstance(error, Invalid) and error.message.startswith("--policy 'quick': it should be")
    error = CliRunner().invoke(command, ["--min", "9"]).exception
    assert isinstance(error, Invalid) and error.message == "deploy: --min 9 is more than --max 4."


@pytest.mark.parametrize(
    ("magic", "shell"),
    [
        ("Take it down (`%undeploy churn`).", "Take it down (`jupyter slml endpoints remove churn`)."),
        ("`%promote churn@1 production`; `%models churn`", "`jupyter slml models promote churn@1 production`; "),
        ("`%rollback --endpoint churn`", "`jupyter slml endpoints rollback churn`"),
        ("`%rollback churn --to x`", "`jupyter slml models rollback churn --to x`"),
        ("`%deploy M@N --name e`", "`jupyter slml endpoints deploy M@N --name e`"),
        ("`%%train` over a cell, %jobsfile", "`%%train` over a cell, %jobsfile"),
        ("90 % churn@1", "90 % churn@1"),
    ],
)
def test_remedies_name_commands(magic: str, shell: str) -> None:
    assert in_shell(magic).startswith(shell)

"""`models` and its verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jupyter_slml.cli import differences
from jupyter_slml.cli.groups import Named
from jupyter_slml.cli.tables import ago, numbers, table
from jupyter_slml.client import Client, connect
from jupyter_slml.domain.cards import gate_text
from jupyter_slml.domain.gates import Verdict
from jupyter_slml.domain.names import STAGES, parse_reference
from jupyter_slml.domain.records import Transition
from jupyter_slml.domain.specs import RegisterSpec
from jupyter_slml.domain.views import Moved, VersionView
from jupyter_slml.errors import Invalid


@click.group(cls=Named, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List registered models, the versions of one, or show one version; promote, approve, compare them.

    \b
    Example:
      jupyter slml models
      jupyter slml models churn
      jupyter slml models churn@7
      jupyter slml models promote churn@7 production --if "auc > production.auc"
    """
    if context.invoked_subcommand is not None:
        return
    found = connect().models.list()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    rows = [
        (
            item.name,
            item.latest.number,
            item.production or "-",
            " ".join(f"@{alias}={number}" for alias, number in sorted(item.aliases.items())) or "-",
            item.latest.type,
            ago(item.latest.created_at),
            numbers(item.latest.metrics),
        )
        for item in found.models
    ]
    head = ("MODEL", "NEWEST", "PRODUCTION", "ALIASES", "TYPE", "REGISTERED", "METRICS")
    table(head, rows, "No models: run a job with --register NAME.")


@models.command()
@click.argument("model")
@click.option("--log", is_flag=True, help="Its moves: who, when, why, and what the gate saw.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(model: str, log: bool, as_json: bool) -> None:
    """Show the versions of a model, or one version.

    \b
    Example:
      jupyter slml models show churn --log
      jupyter slml models show churn@champion
    """
    client = connect()
    if log:
        _show_log(client, model, as_json)
    elif parse_reference(model).bare:
        _show_versions(client, model, as_json)
    else:
        _show_version(client, model, as_json)


def _show_versions(client: Client, name: str, as_json: bool) -> None:
    detail = client.models.get(name)
    if as_json:
        click.echo(detail.model_dump_json(indent=2))
        return
    lines = [
        (
            item.reference,
            item.stage,
            item.approval,
            " ".join(f"@{alias}" for alias in item.aliases) or "-",
            item.type,
            item.job or item.source,
            ago(item.created_at),
            numbers(item.metrics),
        )
        for item in detail.versions
    ]
    head = ("VERSION", "STAGE", "APPROVAL", "ALIASES", "TYPE", "JOB", "REGISTERED", "METRICS")
    table(head, lines, f"All versions of {name} were deleted.")


def _show_version(client: Client, model: str, as_json: bool) -> None:
    found = client.models.resolve(model)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    measured = client.models.evidence(found.model, found.number).evidence
    lines = {
        "Version": found.reference,
        "Stands": _standing(found),
        "About": found.description,
        "Tags": " ".join(f"{name}={text}" for name, text in found.tags.items()),
        "Type": f"{found.type} ({found.format}, {found.size:,} bytes)",
        "Metrics": numbers(found.metrics),
        "Parameters": " ".join(f"{name}={value}" for name, value in found.parameters.items()),
        "Job": f"{found.job}, output {found.output}" if found.job else f"imported: {found.source}",
        "Registered": ago(found.created_at),
        "SHA-256": found.digest,
    }
    for name, value in lines.items():
        if value:
            click.echo(f"{name:<12}{value}")
    if measured:
        click.echo("")
        # The newest of each: an endpoint measures every minute.
        newest = {(item.kind, item.name): item for item in reversed(measured)}.values()
        rows = [(item.kind, item.name, ago(item.at), numbers(item.metrics)) for item in reversed(newest)]
        table(("EVIDENCE", "NAME", "MEASURED", "METRICS"), rows, "")


def _show_log(client: Client, model: str, as_json: bool) -> None:
    asked = parse_reference(model)
    number = None if asked.bare else client.models.resolve(model).number
    found = client.models.transitions(asked.name, number)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    rows = [
        (item.id, ago(item.at), _move(item), item.actor, _reason(item) or "-", gate_text(item) or "-")
        for item in found.transitions
    ]
    table(("", "WHEN", "MOVE", "WHO", "WHY", "GATE"), rows, "It was never moved.")


@models.command()
@click.argument("model")
@click.argument("to")
@click.option("--if", "gate", metavar="EXPRESSION", default=None, help="Only if this holds, such as 'auc >= 0.9'.")
@click.option("--reason", "-m", default="", help="Why, for the log.")
def promote(model: str, to: str, gate: str | None, reason: str) -> None:
    """Move a version to a stage (candidate, staging, production, archived), or point an alias at it: any other word.

    \b
    Example:
      jupyter slml models promote churn@7 production --if "auc >= 0.9 and auc > production.auc"
      jupyter slml models promote churn@7 champion
    """
    _say(connect().models.promote(model, to, gate=gate, reason=reason))


@models.command()
@click.argument("model")
@click.option("--reason", "-m", default="", help="Why, for the log.")
def approve(model: str, reason: str) -> None:
    """Approve a version.

    \b
    Example:
      jupyter slml models approve churn@7 -m "checked with finance"
    """
    _say(connect().models.decide(model, "approved", reason=reason))


@models.command()
@click.argument("model")
@click.option("--reason", "-m", default="", help="Why, for the log.")
def reject(model: str, reason: str) -> None:
    """Reject a version: it goes neither to staging nor to production.

    \b
    Example:
      jupyter slml models reject churn@7 -m "leaks the target"
    """
    _say(connect().models.decide(model, "rejected", reason=reason))


@models.command()
@click.argument("model")
@click.option("--to", default="production", show_default=True, help="The stage or alias that goes back.")
@click.option("--reason", "-m", default="", help="Why, for the log.")
def rollback(model: str, to: str, reason: str) -> None:
    """Take back the last move of a stage or an alias: the version before gets it back.

    \b
    Example:
      jupyter slml models rollback churn
      jupyter slml models rollback churn --to champion
    """
    _say(connect().models.rollback(model, to, reason=reason))


@models.command()
@click.argument("model", metavar="MODEL@ALIAS")
def unalias(model: str) -> None:
    """Take an alias away.

    \b
    Example:
      jupyter slml models unalias churn@champion
    """
    asked = parse_reference(model)
    if asked.word is None or asked.word in STAGES:
        raise Invalid(f"{model!r} does not name an alias.", field="MODEL@ALIAS", value=model, remedy="Write churn@champion.")
    _say(connect().models.remove_alias(asked.name, asked.word))


@models.command()
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what changed from one version to another: metrics, parameters, features, code, inputs, packages.

    \b
    Example:
      jupyter slml models diff churn@3 churn@7
    """
    differences.show(connect().models.diff(before, after), _plain, as_json=as_json)


@models.command()
@click.argument("model")
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
def card(model: str, output: Path) -> None:
    """Write a version's model card as a page of html.

    \b
    Example:
      jupyter slml models card churn@7 -o card.html
    """
    client = connect()
    found = client.models.resolve(model)
    try:
        output.write_text(client.models.card(found.model, found.number), encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{output} cannot be written: {error.strerror}.", field="--output", value=output) from None
    click.echo(f"{output}: the card of {found.reference}")


@models.command()
@click.argument("name")
@click.option("--job", "-j", required=True, help="Id or name of the job.")
@click.option("--output", "-o", default=None, help="Which output (default: the only model among them).")
@click.option("--description", default="", help="What people should know of it.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=TEXT", help="A tag. May be repeated.")
@click.option("--allow-pickle", is_flag=True, help="Allow a model that only a pickle can hold.")
def register(name: str, job: str, output: str | None, description: str, tags: tuple[str, ...], allow_pickle: bool) -> None:
    """Register an output of a succeeded job as a new version.

    \b
    Example:
      jupyter slml models register churn --job job-1f3a9c0b2e44 --tag team=fraud
    """
    spec = RegisterSpec.parse(
        {
            "model": name,
            "job": job,
            "output": output,
            "description": description,
            "tags": dict(_tag(text) for text in tags),
            "allow_pickle": allow_pickle,
        }
    )
    found = connect().models.register(spec)
    click.echo(f"{found.reference}: {found.type}")


@models.command()
@click.argument("model", metavar="MODEL@VERSION")
def delete(model: str) -> None:
    """Delete a version that nothing refers to; `gc` then gives its bytes back.

    \b
    Example:
      jupyter slml models delete churn@3
    """
    if parse_reference(model).bare:
        raise Invalid(
            f"{model!r} does not say which version.", field="MODEL@VERSION", value=model, remedy=f"Write {model}@3."
        )
    client = connect()
    found = client.models.resolve(model)
    client.models.delete(found.model, found.number)
    click.echo(f"Deleted: {found.reference}")


def _say(done: Moved) -> None:
    """What was moved, and the terms of the gate."""
    if not done.transitions:
        click.echo(f"{done.version.reference} stands there already: {_standing(done.version)}")
    for item in done.transitions:
        click.echo(_move(item))
        if item.evidence is not None:
            for term in Verdict.model_validate(item.evidence).terms:
                click.echo(f"  holds: {term}")


def _move(item: Transition) -> str:
    if item.kind == "alias":
        places = [f"{item.model}@{number}" if number else "nobody" for number in (item.before, item.after)]
        return f"@{item.alias}: {' -> '.join(places)}"
    return f"{item.model}@{item.number}: {item.before} -> {item.after}"


def _reason(item: Transition) -> str:
    return f"{item.reason} (takes back {item.undoes})".strip() if item.undoes is not None else item.reason


def _standing(version: VersionView) -> str:
    return ", ".join([version.stage, version.approval, *(f"@{alias}" for alias in version.aliases)])


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Invalid(f"--tag {text}: it is written NAME=TEXT.", field="--tag", value=text, remedy="For example: team=fraud")
    return name, value


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)

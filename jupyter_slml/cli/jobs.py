"""`jobs`, `logs`."""

from __future__ import annotations

import click

from jupyter_slml.cli import differences
from jupyter_slml.cli.tables import ago, numbers, span, table
from jupyter_slml.client import connect
from jupyter_slml.domain.batch import progress_text
from jupyter_slml.domain.views import JobView
from jupyter_slml.errors import JobFailed


@click.group(invoke_without_command=True)
@click.option("--state", default="", help="Only these states, separated by commas.")
@click.option("--name", default=None, help="Only jobs of this name.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def jobs(context: click.Context, state: str, name: str | None, limit: int, as_json: bool) -> None:
    """List jobs, newest first; show or stop one.

    \b
    Example:
      jupyter slml jobs --state running,queued
      jupyter slml jobs show churn
      jupyter slml jobs stop job-1f3a9c0b2e44
    """
    if context.invoked_subcommand is not None:
        return
    states = [item for item in state.split(",") if item]
    page = connect().jobs.list(states=states, name=name, limit=limit)
    if as_json:
        click.echo(page.model_dump_json(indent=2))
        return
    rows = [
        (job.id, job.name, job.state.value, ago(job.created_at), span(job.started_at, job.ended_at), numbers(job.metrics))
        for job in page.jobs
    ]
    table(("ID", "NAME", "STATE", "SUBMITTED", "TIME", "METRICS"), rows, "No jobs.")
    if page.total > len(rows):
        click.echo(f"{len(rows)} of {page.total}; --limit shows more.")


@jobs.command("show")
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(job: str, as_json: bool) -> None:
    """Show one job: by id, or the newest of a name.

    \b
    Example:
      jupyter slml jobs show churn
    """
    client = connect()
    found = client.jobs.get(job)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    _show(found)
    attempts = client.jobs.attempts(found.id).attempts
    if len(attempts) > 1:
        click.echo("")
        rows = [(item.number, item.state.value, item.host or "-", span(item.started_at, item.ended_at)) for item in attempts]
        table(("ATTEMPT", "STATE", "HOST", "TIME"), rows, "")


def _show(job: JobView) -> None:
    lines = {
        "Job": f"{job.id} ({job.name})",
        "State": f"{job.state.value}{f': {job.reason}' if job.reason else ''}",
        "Submitted": ago(job.created_at),
        "Time": span(job.started_at, job.ended_at),
        "Phases": ", ".join(f"{phase.name} {span(phase.start, phase.end)}" for phase in job.phases),
        "Instance": job.spec.instance,
        "Metrics": numbers(job.metrics),
        "Registered": job.registered or "",
        "Retried": ", ".join(f"{number} after {cause}" for cause, number in job.retried.items()),
    }
    if job.outcome is not None:
        lines["Outputs"] = ", ".join(f"{item.name} ({item.type})" for item in job.outcome.outputs)
    for name, value in lines.items():
        if value:
            click.echo(f"{name:<11}{value}")
    if job.outcome is not None and job.outcome.error is not None:
        click.echo("\n" + "\n".join(job.outcome.error.traceback))


@jobs.command("stop")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@click.option("--state", default="", help="All unfinished jobs in these states, separated by commas.")
@click.option("--name", default=None, help="All unfinished jobs of this name.")
@click.option("--all", "everything", is_flag=True, help="All unfinished jobs.")
def stop_jobs(names: tuple[str, ...], state: str, name: str | None, everything: bool) -> None:
    """Stop jobs, with every process that they started.

    \b
    Example:
      jupyter slml jobs stop churn job-1f3a9c0b2e44
      jupyter slml jobs stop --state queued
    """
    states = [item for item in state.split(",") if item]
    if bool(names) == bool(states or name or everything):
        raise click.UsageError("Name the jobs, or choose them by --state, --name or --all.")
    stopped = connect().jobs.stop_all(names, states=states, name=name)
    click.echo(f"{len(stopped)} job(s) stopping: {', '.join(stopped)}" if stopped else "None of them was unfinished.")


@jobs.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="JOB...")
def delete_jobs(names: tuple[str, ...]) -> None:
    """Delete ended jobs with their logs and metrics; `gc` then frees what only they used.

    \b
    Example:
      jupyter slml jobs delete job-1f3a9c0b2e44
    """
    click.echo(f"Deleted: {', '.join(connect().jobs.delete(names))}")


@jobs.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def diff_jobs(before: str, after: str, as_json: bool) -> None:
    """Show what changed from one job to another: code, inputs, environment, options, metrics.

    \b
    Example:
      jupyter slml jobs diff job-1f3a9c0b2e44 churn
    """
    differences.show(connect().jobs.diff(before, after), _plain, as_json=as_json)


def _plain(value: object) -> str:
    return "-" if value is None else str(value)


@click.command()
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def parts(job: str, as_json: bool) -> None:
    """List the parts of a batch job, and how far it is.

    \b
    Example:
      jupyter slml parts churn-of-2026
    """
    client = connect()
    found = client.jobs.parts(job)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    rows = [
        (
            item.part,
            item.state,
            f"{item.rows:,}",
            item.errors,
            item.file or "-",
            span(0, item.seconds),
            item.tries,
            item.message,
        )
        for item in found.parts
    ]
    table(("PART", "STATE", "ROWS", "ERRORS", "FILE", "TIME", "TRY", "MESSAGE"), rows, "No part was begun yet.")
    click.echo(f"{progress_text(found.figures, ended=False) or 'Nothing is known of its progress yet'} in {found.output}")


@click.command()
@click.argument("job")
@click.option("--follow", "-f", is_flag=True, help="Go on to the job's end; exit status 1 unless it succeeds.")
def logs(job: str, follow: bool) -> None:
    """Print what a job printed.

    \b
    Example:
      jupyter slml logs churn
      jupyter slml logs -f job-1f3a9c0b2e44
    """
    client = connect()
    found = client.jobs.get(job)
    position = 0
    while True:
        page = client.jobs.logs(found.id, after=position)
        for entry in page.entries:
            click.echo(entry.x, nl=False, err=entry.s == "err")
        position = page.last
        if page.more:
            continue
        if page.done or not follow:
            break
        found = client.jobs.wait(found.id, timeout=0.5)
    if follow:
        found = client.jobs.get(found.id)
        if found.state != "succeeded":
            raise JobFailed(f"Job {found.id} {found.state.value}: {found.reason}")

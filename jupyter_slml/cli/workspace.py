"""`start`, `stop`, `status`, `config`, `connect`: the workspace itself."""

from __future__ import annotations

import shutil

import click
from pydantic import ValidationError

from jupyter_slml.cli.tables import span, table
from jupyter_slml.client import connect as open_client
from jupyter_slml.client.start import ensure_daemon, leave, running
from jupyter_slml.domain.model import invalid
from jupyter_slml.domain.states import JobState
from jupyter_slml.domain.views import Status
from jupyter_slml.errors import Conflict, Invalid
from jupyter_slml.settings import Settings, Workspace, workspace


@click.command()
def start() -> None:
    """Start the daemon (it also starts by itself on first use).

    \b
    Example:
      jupyter slml start
    """
    place = workspace()
    already = running(place) is not None
    ensure_daemon(place)
    found = open_client().status()
    click.echo(f"{'Already running' if already else 'Started'}: pid {found.pid}, workspace {found.home}")


@click.command()
@click.option("--purge", is_flag=True, help="Delete the workspace too: jobs, models, endpoints, all artifacts.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before deleting.")
def stop(purge: bool, yes: bool) -> None:
    """End the daemon, its cluster, the gateway and everything that runs under them.

    Jobs that are running are queued again on the next start.

    \b
    Example:
      jupyter slml stop
      jupyter slml stop --purge --yes
    """
    place = workspace()
    if purge and not yes:
        click.confirm(f"Delete {place.home} with all jobs, models and artifacts?", abort=True)
    if place.home.exists():
        end(place)
    if purge:
        shutil.rmtree(place.home, ignore_errors=True)
        shutil.rmtree(place.run, ignore_errors=True)
        click.echo(f"Deleted {place.home}.")


def end(place: Workspace) -> None:
    """End everything of a workspace; a daemon that died is started once more, for it knows what must be ended."""
    if running(place) is None:
        if not place.database.exists():
            click.echo("Nothing runs here.")
            return
        ensure_daemon(place)
    found = open_client(place.home).status()
    live = sum(found.counts.jobs.get(state.value, 0) for state in (JobState.RUNNING, JobState.STARTING))
    leave(place, drain=False)
    click.echo("Stopped." if not live else f"Stopped. {live} running job(s) will be queued again on the next start.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The whole status as JSON.")
def status(as_json: bool) -> None:
    """Show what runs in this workspace.

    \b
    Example:
      jupyter slml status
      jupyter slml status --json
    """
    place = workspace()
    if running(place) is None:
        if as_json:
            click.echo('{"running": false}')
        else:
            click.echo(f"Not running (workspace {place.home}). Start it with `jupyter slml start`.")
        return
    found = open_client().status()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    _show(found)


def _show(found: Status) -> None:
    click.echo(f"Daemon     pid {found.pid}, version {found.version}, up {span(found.started_at, None)}")
    click.echo(f"Workspace  {found.home}")
    cluster = found.cluster
    kind = "own" if cluster.owned else "connected"
    state = f"{kind}, {cluster.address}" if cluster.connected else f"not connected: {cluster.problem or 'starting'}"
    click.echo(f"Cluster    {state}")
    gateway = found.gateway
    why = f"does not start: {gateway.problem}" if gateway.problem else "not running (starts with the first endpoint)"
    door = f"{gateway.url} (pid {gateway.pid})" if gateway.alive else why
    click.echo(f"Gateway    {door}")
    if gateway.alive:
        click.echo(f"Token      in {workspace(found.home).token_file}: it opens every endpoint")
    jobs = ", ".join(f"{number} {state}" for state, number in sorted(found.counts.jobs.items())) or "none"
    click.echo(f"Jobs       {jobs}")
    click.echo(f"Models     {found.counts.models}")
    click.echo(f"Endpoints  {found.counts.endpoints}")
    if cluster.hosts:
        click.echo("")
        rows = [
            (
                host.name,
                f"{host.free_cpus:g} of {host.cpus:g}",
                f"{host.free_memory / 2**30:.1f} of {host.memory / 2**30:.1f} GiB",
            )
            for host in cluster.hosts
        ]
        table(("WORKER HOST", "CPU FREE", "MEMORY FREE"), rows, "")


@click.command()
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
def config(pairs: tuple[str, ...]) -> None:
    """Show the workspace's settings, or change them (an empty value returns to the default).

    \b
    Example:
      jupyter slml config
      jupyter slml config workers=2 gateway_port=8765
      jupyter slml config scheduler=
    """
    place = workspace()
    settings = place.settings()
    if pairs:
        settings = _changed(settings, pairs)
        place.save_settings(settings)
        if running(place) is not None:
            click.echo("Saved. The daemon takes it up at its next start: jupyter slml stop && jupyter slml start")
    rows = [
        (name, "" if value is None else value, field.description or "")
        for name, field in Settings.model_fields.items()
        for value in (getattr(settings, name),)
    ]
    table(("SETTING", "VALUE", "MEANING"), rows, "")


def _changed(settings: Settings, pairs: tuple[str, ...]) -> Settings:
    values = settings.model_dump(exclude_none=True)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise Invalid(f"{pair!r} is not KEY=VALUE.", field="config", value=pair, remedy="Example: workers=2")
        if key not in Settings.model_fields:
            raise Invalid(
                f"There is no setting {key!r}.",
                field=key,
                value=value,
                remedy=f"Known settings: {', '.join(Settings.model_fields)}.",
            )
        values.pop(key, None)
        if value:
            values[key] = value
    try:
        found = Settings.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from error
    found.tls()
    return found


@click.command()
@click.argument("address", required=False)
@click.option("--store", metavar="URL", help="Blob store that all workers reach: file:///shared/dir, s3://bucket/prefix, …")
@click.option("--own", is_flag=True, help="Return to our own scheduler and workers on this machine.")
def connect(address: str | None, store: str | None, own: bool) -> None:
    """Use a Dask cluster that runs already, by its scheduler's address; without one, show the present cluster.

    The workers need the same version of jupyter-slml, and a store that they and this machine reach.

    \b
    Example:
      jupyter slml connect tcp://scheduler:8786 --store file:///shared/slml
      jupyter slml connect --own
    """
    place = workspace()
    settings = place.settings()
    if address is None and not own:
        _show(open_client().status())
        return
    if address is not None and own:
        raise Invalid("An address and --own contradict each other.", field="--own")
    busy = _unfinished(place)
    if busy:
        raise Conflict(
            f"{busy} job(s) or endpoint(s) live on the present cluster.",
            field="address",
            value=address,
            remedy="Wait for them or stop them first (jupyter slml jobs, jupyter slml endpoints).",
        )
    before = settings
    chosen = settings.model_dump(exclude_none=True) | {"scheduler": address, "store": store or settings.store}
    place.save_settings(Settings.model_validate({key: value for key, value in chosen.items() if value is not None}))
    if running(place) is not None:
        leave(place, drain=False)
    found = _settled(place)
    if not found.cluster.connected:
        place.save_settings(before)
        leave(place, drain=False)
        raise Invalid(
            f"The cluster cannot be used: {found.cluster.problem}",
            field="address",
            value=address,
            remedy="The settings were put back as they were.",
        )
    _show(found)


def _unfinished(place: Workspace) -> int:
    if running(place) is None:
        return 0
    counts = open_client(place.home).status().counts
    live = sum(number for state, number in counts.jobs.items() if not JobState(state).is_final)
    return live + counts.endpoints


def _settled(place: Workspace) -> Status:
    """The status once the cluster is connected or has said why not."""
    import time

    client = open_client(place.home)
    deadline = time.monotonic() + 60
    while True:
        found = client.status()
        if found.cluster.connected or found.cluster.problem or time.monotonic() > deadline:
            return found
        time.sleep(0.1)

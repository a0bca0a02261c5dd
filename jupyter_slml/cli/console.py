"""`console`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from jupyter_slml.client import connect
from jupyter_slml.client.consoles import Console


@click.command()
@click.argument("endpoint")
@click.option("--replica", "-r", default=None, metavar="ID", help="Which replica (default: the least busy one).")
@click.option("--drain", is_flag=True, help="Take the replica out of rotation while the console is open.")
@click.option("--interrupt", is_flag=True, help="First interrupt what another console runs there.")
@click.option("--code", "-c", default=None, help="Run this and leave, instead of asking. Also from standard input.")
@click.pass_context
def console(
    context: click.Context, endpoint: str, replica: str | None, drain: bool, interrupt: bool, code: str | None
) -> None:
    """Open a Jupyter console in a live replica of an endpoint.

    There you find its `model`, its `signature`, and `predict(rows)`. What you do is not counted as traffic, but the replica
    is a live one. Ctrl-D leaves it alive.

    \b
    Example:
      jupyter slml console churn
      jupyter slml console churn --drain
      jupyter slml console churn -c 'predict([[0.1, 3, 12.5]])'
    """
    if code is None and not sys.stdin.isatty():
        code = sys.stdin.read()
    found = connect().consoles.open(endpoint, replica=replica, drain=drain)
    try:
        if interrupt:
            found.interrupt()
        if code is not None:
            teller = Teller()
            found.run(code, teller.hear)
            context.exit(teller.status)
        view = found.view
        out = " It takes no requests meanwhile." if view.drain else ""
        click.echo(f"{view.replica} of {view.endpoint} ({view.model}@{view.version}).{out} Ctrl-D leaves it alive.\n")
        # Its wait for a kernel that comes up says less than ours.
        found.client()
        _converse(found)
    finally:
        found.close()


class Teller:
    """Prints what a kernel says; `status` is 1 when it raised."""

    def __init__(self) -> None:
        self.status = 0

    def hear(self, kind: str, content: Mapping[str, Any]) -> None:
        match kind:
            case "stream":
                click.echo(content["text"], nl=False, err=content["name"] == "stderr")
            case "execute_result" | "display_data":
                click.echo(content["data"].get("text/plain", ""))
            case "error":
                self.status = 1
                click.echo("\n".join(content["traceback"]), err=True)


def _converse(found: Console) -> None:
    """Hand the terminal over, until the person leaves."""
    # A second of imports, which code that is given does not need.
    from jupyter_console import app

    class Terminal(app.ZMQTerminalIPythonApp):  # type: ignore[misc]
        def handle_sigint(self, *_: object) -> None:
            # It interrupts only kernels that it has started itself.
            if self.shell._executing:
                found.interrupt()

    Terminal.launch_instance([f"--existing={found.view.connection_file}", "--ZMQTerminalInteractiveShell.banner="])

"""What `jobs diff` and `models diff` print."""

from __future__ import annotations

from collections.abc import Callable

import click

from jupyter_slml.cli.tables import table
from jupyter_slml.domain.diffs import JobDiff, VersionDiff


def show(found: JobDiff | VersionDiff, plain: Callable[[object], str], *, as_json: bool) -> None:
    """The lines of code that differ, then the rest as a table; `plain` writes a value."""
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    for line in found.code:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.echo(click.style(line, fg=colour))
    rows = [(item.what, item.name, plain(item.before), plain(item.after)) for item in found.changes]
    table(("WHAT", "NAME", found.before, found.after), rows, "" if found.code else "Nothing differs.")

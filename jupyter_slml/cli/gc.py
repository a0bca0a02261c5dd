"""`gc`: room on the disk."""

from __future__ import annotations

import math
import re

import click

from jupyter_slml.client import connect
from jupyter_slml.domain.views import Collect
from jupyter_slml.errors import Invalid

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.command()
@click.option(
    "--older-than", default="30d", show_default=True, metavar="TIME", help="Jobs that ended so long ago: 12h, 30d, …"
)
@click.option("--keep", default=5, show_default=True, type=click.IntRange(0), help="The newest jobs of each name stay.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def gc(older_than: str, keep: int, dry_run: bool) -> None:
    """Delete old jobs, all stored bytes that no job and no model version refers to, and what unfinished uploads left.

    \b
    Example:
      jupyter slml gc --dry-run
      jupyter slml gc --older-than 7d --keep 2
    """
    wanted = Collect(older_than=seconds(older_than), keep=keep, dry_run=dry_run)
    found = connect().collect(wanted)
    verb = "would free" if dry_run else "freed"
    what = [f"{len(found.jobs)} job(s)", f"{found.objects} object(s)", f"{found.uploads} unfinished upload(s)"]
    click.echo(f"{', '.join(what[:-1])} and {what[-1]}: {verb} {size(found.bytes)}.")
    for job in found.jobs:
        click.echo(f"  {job}")


def seconds(text: str) -> float:
    """`90s`, `12h`, `30d`, `2w`. Raises Invalid."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if match is None:
        raise Invalid(f"{text!r} is not a time.", field="--older-than", value=text, remedy="Examples: 12h, 30d, 2w.")
    return float(match[1]) * _UNITS[match[2]]


def size(number: float) -> str:
    """`12 B`, `3.4 MiB`."""
    if number < 1024:
        return f"{number:.0f} B"
    units = ("KiB", "MiB", "GiB")
    power = min(len(units), int(math.log(number, 1024)))
    return f"{number / 1024**power:.1f} {units[power - 1]}"

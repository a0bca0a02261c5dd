"""`trials`."""

from __future__ import annotations

import click

from jupyter_slml.cli.tables import numbers, span, table
from jupyter_slml.client import connect
from jupyter_slml.domain.trials import Trial
from jupyter_slml.domain.views import TrialList


@click.command()
@click.argument("job")
@click.option("--best", "only_best", is_flag=True, help="Only the best, or those on the Pareto front.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, all of them.")
def trials(job: str, only_best: bool, limit: int, as_json: bool) -> None:
    """List the trials of a tuning job, also of one that runs.

    \b
    Example:
      jupyter slml trials churn
      jupyter slml trials --best churn
    """
    found = connect().jobs.trials(job)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    chosen = [trial for trial in found.trials if not only_best or trial.number in found.front]
    rows = [_row(found, trial) for trial in chosen[-limit:]]
    table(("TRIAL", "STATE", "TIME", "OBJECTIVE", "PARAMETERS", ""), rows, "No trials.")
    ended = f"; ended: {found.ended}" if found.ended else ""
    click.echo(f"{len(rows)} of {len(found.trials)} trials, at most {found.most}, {found.parallel} at once{ended}")


def _row(found: TrialList, trial: Trial) -> tuple[object, ...]:
    mark = " *" if trial.number in found.front else ""
    params = " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in trial.params.items()
    )
    last = trial.intermediate[-1] if trial.intermediate else None
    values = numbers(trial.values) or (f"{last[1]:.4g} at step {last[0]}" if last else "-")
    return f"{trial.number}{mark}", trial.state, span(trial.started_at, trial.ended_at), values, params, trial.message[:80]

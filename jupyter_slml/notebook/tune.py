"""`%%tune`: the cell below is tried with many values. `%tune_study`: an Optuna objective, as it is."""

from __future__ import annotations

import ast
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field, field_validator

from jupyter_slml.domain.names import Name
from jupyter_slml.domain.prefix import prefix, reads
from jupyter_slml.domain.specs import JobKind, TuneOptions
from jupyter_slml.domain.specs.options import option
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.handle import JobHandle
from jupyter_slml.notebook.line import TrainLine
from jupyter_slml.notebook.magic import Cell, Magic
from jupyter_slml.notebook.options import Options
from jupyter_slml.notebook.session import Session
from jupyter_slml.notebook.table import Table
from jupyter_slml.notebook.train import Order, bare, carry_out, prepare


class TuneLine(TuneOptions, TrainLine):
    """What `%%tune` asks for."""

    name: Name = Field(
        default="tune",
        description="Name of the job; later jobs of the same name are its newer runs.",
        json_schema_extra=option("--name", "-n", metavar="NAME"),
    )

    @field_validator("warm_start", mode="before")
    @classmethod
    def _jobs(cls, value: Any) -> Any:
        return [getattr(item, "id", item) for item in (value if isinstance(value, (list, tuple)) else [value])]


class StudyLine(TuneLine):
    """What `%tune_study` asks for."""

    objective: str = Field(
        description="The objective: a function of the notebook that takes a trial and returns its value.",
        json_schema_extra={"positional": True, "metavar": "OBJECTIVE"},
    )

    @field_validator("objective", mode="before")
    @classmethod
    def _function(cls, value: Any) -> Any:
        return getattr(value, "__name__", value)


def tune(session: Session, line: TuneLine, cell: Cell) -> JobHandle | Table:
    """Submit the cell as a search."""
    from jupyter_slml.notebook.source import read_source

    _check_aims(line)
    names = [entry.name for entry in line.space]
    header = [] if bare(session) else cell.header
    _check_searched(read_source(cell.body, header, session.shell).tree, names)
    order = _order(session, line, cell.body, header, names, OPTIONS)
    _say_hoisted(line, order.source.tree, names)
    return carry_out(session, line, order)


def submit(
    session: Session, work: str | Callable[..., Any], namespace: Mapping[str, Any], given: dict[str, Any]
) -> JobHandle:
    """What `slml.jobs.tune` does: `work` is source text, or an objective that takes a trial. Returns at once."""
    unknown = [key for key in given if key not in TuneLine.model_fields]
    if unknown:
        raise Invalid(
            f"There is no option {unknown[0]!r}.",
            field=unknown[0],
            remedy=f"Options: {', '.join(TuneLine.model_fields)}.",
        )
    line = TuneLine.parse(given)
    names = [entry.name for entry in line.space]
    extra = dict(namespace)
    if callable(work):
        name = getattr(work, "__name__", "objective")
        name = name if name.isidentifier() else "objective"
        extra[name] = work
        source = f"{name}(trial)"
        line = line if line.objectives else line.evolve(minimize=["value"])
    else:
        source = work
        _check_aims(line)
        _check_searched(ast.parse(source), names)
    order = _order(session, line, source, [], names, OPTIONS, extra)
    try:
        return order.submit()
    finally:
        order.cargo.close()


def _check_aims(line: TuneLine) -> None:
    if not line.objectives:
        raise Invalid(
            "%%tune needs to know what is better.",
            field="--maximize",
            remedy="Name the metric: --maximize auc or --minimize loss; the cell logs it by slml.log(auc=…), or its last "
            "expression is its value.",
        )


def tune_study(session: Session, line: StudyLine, cell: Cell) -> JobHandle | Table:
    """Submit a call of the objective as a search."""
    name = line.objective
    function = session.namespace.get(name) if name.isidentifier() else None
    if not callable(function):
        near = difflib.get_close_matches(name, [key for key, value in session.namespace.items() if callable(value)], n=1)
        raise Invalid(
            f"%tune_study {name}: the notebook has no function of that name.",
            field="OBJECTIVE",
            value=name,
            remedy=f"Did you mean {near[0]}?" if near else "Define it first: def objective(trial): …; return value",
        )
    if line.search:
        raise Invalid(
            "%tune_study takes no --search: an objective suggests its values itself (trial.suggest_float(…)).",
            field="--search",
            remedy="Leave it out, or write the code below %%tune.",
        )
    if not line.objectives:
        # As optuna.create_study() does.
        line = line.evolve(minimize=["value"])
    return carry_out(session, line, _order(session, line, f"{name}(trial)", [], [], STUDY_OPTIONS))


def _order(
    session: Session,
    line: TuneLine,
    body: str,
    header: Sequence[str],
    names: Sequence[str],
    options: Options[Any],
    extra: Mapping[str, Any] | None = None,
) -> Order:
    _check_line(line, names)
    order = prepare(session, line, body, header, extra, bound=[*names, "trial"])
    given = {name: getattr(line, name) for name in TuneOptions.model_fields}
    order.more = {"kind": JobKind.TUNING, "tuning": given}
    order.options = options
    return order


def _check_line(line: TuneLine, names: Sequence[str]) -> None:
    """Raises Invalid for what contradicts itself, or what Optuna does not know."""
    from jupyter_slml.domain import strategies

    for name in names:
        if name in line.parameters:
            raise Invalid(
                f"{name} is both searched and set: --search {name}=… and -p {name}=….",
                field="--search",
                value=name,
                remedy="Leave one of the two out.",
            )
        if name in line.capture:
            raise Invalid(
                f"--capture {name} asks for the notebook's variable, and --search {name}=… gives it other values.",
                field="--capture",
                value=name,
                remedy="Leave one of the two out.",
            )
    if line.strategy.name != "grid":
        strategies.sampler(line.strategy)
    if line.pruning is not None:
        strategies.pruner(line.pruning)


def _check_searched(tree: ast.Module, names: Sequence[str]) -> None:
    for name in names:
        if not reads(tree, name):
            words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id not in names}
            near = difflib.get_close_matches(name, sorted(words), n=1)
            guess = f"Did you mean {near[0]}?" if near else f"Use the variable {name} in the cell, or leave the search out."
            raise Invalid(f"--search {name}=…: the cell does not read {name}.", field="--search", value=name, remedy=guess)
    if not names and not reads(tree, "trial"):
        raise Invalid(
            "%%tune has nothing to search.",
            field="--search",
            remedy="Name variables of the cell (--search max_depth=3..10), or call trial.suggest_int(…) in it.",
        )


def _say_hoisted(line: TuneLine, tree: ast.Module, names: Sequence[str]) -> None:
    found = prefix(tree, names) if line.hoist else None
    if found:
        sys.stdout.write(
            f"Lines 1–{found.last_line} run once, what follows runs in every trial (--no-hoist: all of it does).\n"
        )


EXAMPLE = "%%tune --search max_depth=3..10 --search eta=0.01..0.3:log --maximize auc --trials 50 --output model"
OPTIONS = Options("%%tune", TuneLine, "Try the cell below with many values, as one managed job.", EXAMPLE)
TUNE = Magic("tune", "cell", OPTIONS, tune)
STUDY_OPTIONS = Options(
    "%tune_study",
    StudyLine,
    "Run an Optuna objective as a managed job: every call is a trial in its own process.",
    "%tune_study objective --trials 100 --pruner median",
)
TUNE_STUDY = Magic("tune_study", "line", STUDY_OPTIONS, tune_study)

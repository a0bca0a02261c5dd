"""Tuning: what is searched, what is wanted, and when it is enough."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.search import SearchParameter, grid_size, parse_space
from jupyter_slml.domain.specs.options import Duration, option
from jupyter_slml.domain.strategies import PRUNERS, SAMPLERS, Strategy, parse_strategy

#: Trials of a job that says nothing else and has no grid.
TRIALS = 50
MOST_TRIALS = 100_000

Direction = Literal["maximize", "minimize"]


class Objective(Frozen):
    """A metric that shall become as large, or as small, as can be."""

    metric: str
    direction: Direction

    @property
    def sign(self) -> int:
        """What a value is multiplied with so that more is better."""
        return 1 if self.direction == "maximize" else -1


class TuneOptions(Frozen):
    """Options of `%%tune` beyond those of `%%train`."""

    search: list[str] = Field(
        default_factory=list,
        description="A searched variable of the cell: max_depth=3..10, eta=0.01..0.3:log, x=0..1:step0.1, "
        'booster=gbtree,dart, "gamma=0..5 if booster=gbtree". May be repeated. Unset: the cell calls trial.suggest_float(…) '
        "and its like.",
        json_schema_extra={**option("--search", metavar="NAME=VALUES"), "many": True},
    )
    maximize: list[str] = Field(
        default_factory=list,
        description="The metric that shall become large: what the cell logs by slml.log or autolog, or the value of its "
        "last expression. May be repeated, also with --minimize: then the trials that no other beats in all are the Pareto "
        "front.",
        json_schema_extra=option("--maximize", metavar="METRIC"),
    )
    minimize: list[str] = Field(
        default_factory=list,
        description="The same for one that shall become small.",
        json_schema_extra=option("--minimize", metavar="METRIC"),
    )
    trials: int | None = Field(
        default=None,
        ge=1,
        le=MOST_TRIALS,
        description=f"How many trials to run. Unset: {TRIALS}, or as many as the grid has points.",
        json_schema_extra=option("--trials", metavar="N"),
    )
    parallel: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Trials that run at once. Unset: one for each cpu of the instance type.",
        json_schema_extra=option("--parallel", metavar="N"),
    )
    sampler: str = Field(
        default="tpe",
        description=f"How the next trial is chosen: {', '.join(SAMPLERS)}; with parameters: tpe:n_startup_trials=20.",
        json_schema_extra=option("--sampler", metavar="NAME[:K=V,…]"),
    )
    pruner: str = Field(
        default="none",
        description="Which running trials are ended early, by the objective that they log with a step: "
        f"{', '.join(PRUNERS)}; with parameters: asha:min_resource=5,reduction_factor=3.",
        json_schema_extra=option("--pruner", metavar="NAME[:K=V,…]"),
    )
    time_limit: Duration | None = Field(
        default=None,
        gt=0,
        description="End the search after this time (90, 10m, 1h); the best trial until then counts.",
        json_schema_extra=option("--time-limit", metavar="TIME"),
    )
    budget: float | None = Field(
        default=None,
        gt=0,
        description="End the search when it has cost so much: the price of the instance type times its time.",
        json_schema_extra=option("--budget", metavar="MONEY"),
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="End the search after so many trials in a row without a better one.",
        json_schema_extra=option("--patience", metavar="N"),
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**31,
        description="Seed of the sampler and, with a trial's number, of its random numbers. Unset: one of the job's.",
        json_schema_extra=option("--seed", metavar="N"),
    )
    warm_start: list[str] = Field(
        default_factory=list,
        description="Learn from an earlier tuning job (id or name). May be repeated.",
        json_schema_extra=option("--warm-start", metavar="JOB"),
    )
    warm_mode: Literal["same", "transfer"] = Field(
        default="same",
        description="same: its trials count as known results. transfer: other data or code; only its best values are tried "
        "first.",
        json_schema_extra=option("--warm-mode", metavar="MODE"),
    )
    hoist: bool = Field(
        default=True,
        description="Run the leading statements that do not depend on a searched variable once, not in every trial.",
        json_schema_extra=option("--hoist"),
    )

    @field_validator("search", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        """An entry with a condition may come as the words of a line that nobody quoted."""
        if not isinstance(value, list):
            return value
        joined: list[object] = []
        words = iter(value)
        for word in words:
            if word == "if" and joined:
                joined[-1] = f"{joined[-1]} if {next(words, '')}"
            else:
                joined.append(word)
        return joined

    @field_validator("search")
    @classmethod
    def _space(cls, value: list[str]) -> list[str]:
        return [str(entry) for entry in parse_space(value)]

    @field_validator("sampler")
    @classmethod
    def _sampler(cls, value: str) -> str:
        return str(parse_strategy(value, SAMPLERS))

    @field_validator("pruner")
    @classmethod
    def _pruner(cls, value: str) -> str:
        return str(parse_strategy(value, PRUNERS))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [item.metric for item in self.objectives]
        if any(not name.strip() for name in names):
            raise ValueError("a metric has a name")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the metric {twice} is an objective twice")
        if len(names) > 1 and self.pruning:
            raise ValueError("pruning compares trials by one objective; leave --pruner out, or name one objective")
        if self.strategy.name == "grid":
            grid_size(self.space)
        return self

    @property
    def space(self) -> list[SearchParameter]:
        return parse_space(self.search)

    @property
    def objectives(self) -> list[Objective]:
        return [
            *(Objective(metric=name, direction="maximize") for name in self.maximize),
            *(Objective(metric=name, direction="minimize") for name in self.minimize),
        ]

    @property
    def strategy(self) -> Strategy:
        return parse_strategy(self.sampler, SAMPLERS)

    @property
    def pruning(self) -> Strategy | None:
        found = parse_strategy(self.pruner, PRUNERS)
        return None if found.name == "none" else found

    @property
    def most(self) -> int:
        """Trials that it may run."""
        if self.strategy.name == "grid":
            return min(self.trials or MOST_TRIALS, grid_size(self.space))
        return self.trials or TRIALS


class TuneSpec(TuneOptions):
    """What a tuning job is told beyond its cell."""

    @model_validator(mode="after")
    def _aims(self) -> Self:
        if not self.objectives:
            raise ValueError("a tuning job needs an objective: --maximize METRIC or --minimize METRIC")
        return self

"""Samplers and pruners by name, with their parameters: `tpe:n_startup_trials=20`, `asha:min_resource=5,reduction_factor=3`.

They are Optuna's. It is imported here only where a strategy is checked or built: in the notebook that submits, and in the
coordinator of the job.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, JsonValue

from jupyter_slml.domain.model import Frozen
from jupyter_slml.errors import Invalid

#: Name → class of Optuna, and the packages that it needs beside Optuna.
SAMPLERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "tpe": ("TPESampler", ()),
    "random": ("RandomSampler", ()),
    "grid": ("GridSampler", ()),
    "qmc": ("QMCSampler", ("scipy",)),
    "cmaes": ("CmaEsSampler", ("cmaes",)),
    "nsga2": ("NSGAIISampler", ()),
    "nsga3": ("NSGAIIISampler", ()),
    "gp": ("GPSampler", ("scipy", "torch")),
    "brute": ("BruteForceSampler", ()),
}
PRUNERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "none": ("NopPruner", ()),
    "median": ("MedianPruner", ()),
    "percentile": ("PercentilePruner", ()),
    "asha": ("SuccessiveHalvingPruner", ()),
    "hyperband": ("HyperbandPruner", ()),
    "threshold": ("ThresholdPruner", ()),
    "patient": ("PatientPruner", ()),
    "wilcoxon": ("WilcoxonPruner", ("scipy",)),
}
_SPELLINGS = {
    "cma": "cmaes",
    "cma-es": "cmaes",
    "nsga": "nsga2",
    "nsga-ii": "nsga2",
    "nsgaii": "nsga2",
    "nsga-iii": "nsga3",
    "nsgaiii": "nsga3",
    "sobol": "qmc",
    "halving": "asha",
    "sha": "asha",
    "successive-halving": "asha",
    "nop": "none",
}
#: Theirs to set by other options, or no values that anybody could write.
_OURS = frozenset({"self", "seed", "search_space", "wrapped_pruner", "args", "kwargs"})


class Strategy(Frozen):
    """A sampler or a pruner: its name and the parameters of its class."""

    name: str
    options: dict[str, JsonValue] = Field(default_factory=dict)

    def __str__(self) -> str:
        said = ",".join(
            f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in self.options.items()
        )
        return f"{self.name}:{said}" if said else self.name


def parse_strategy(text: str, known: Mapping[str, tuple[str, tuple[str, ...]]]) -> Strategy:
    """Read `NAME[:KEY=VALUE,…]`. Raises ValueError."""
    word, _, rest = text.strip().partition(":")
    name = _SPELLINGS.get(word.strip().lower(), word.strip().lower())
    if name not in known:
        raise ValueError(f"{word[:40]!r} is not one of {', '.join(known)}")
    options: dict[str, JsonValue] = {}
    for part in rest.split(",") if rest.strip() else []:
        key, equals, value = part.partition("=")
        if not equals or not key.strip().isidentifier() or not value.strip():
            raise ValueError(f"{part.strip()[:40]!r} is not KEY=VALUE; write {name}:KEY=VALUE,KEY=VALUE")
        if key.strip() in options:
            raise ValueError(f"{key.strip()} is given twice")
        options[key.strip()] = _value(value.strip())
    return Strategy(name=name, options=options)


def _value(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except ValueError:
        return text
    return value


def sampler(strategy: Strategy, **more: Any) -> Any:
    """Optuna's sampler; `more` are parameters that it is given when it knows them. Raises Invalid."""
    return _build("sampler", "optuna.samplers", SAMPLERS[strategy.name], strategy, more)


def pruner(strategy: Strategy) -> Any:
    """Optuna's pruner. Raises Invalid."""
    more = {}
    if strategy.name == "patient":
        more["wrapped_pruner"] = importlib.import_module("optuna.pruners").MedianPruner()
    return _build("pruner", "optuna.pruners", PRUNERS[strategy.name], strategy, more)


def _build(field: str, home: str, made_of: tuple[str, tuple[str, ...]], strategy: Strategy, more: Mapping[str, Any]) -> Any:
    kind = getattr(importlib.import_module(home), made_of[0])
    for package in made_of[1]:
        try:
            importlib.import_module(package)
        except ImportError:
            raise Invalid(
                f"--{field} {strategy.name} needs the package {package}, which is not installed.",
                field=f"--{field}",
                value=str(strategy),
                remedy=f"Install it (`%pip install {package}`), here and on the workers, or choose another {field}.",
            ) from None
    takes = [name for name in inspect.signature(kind).parameters if name not in _OURS]
    for name in strategy.options:
        if name not in takes:
            raise Invalid(
                f"--{field} {strategy.name} has no parameter {name!r}.",
                field=f"--{field}",
                value=str(strategy),
                remedy=f"It takes: {', '.join(takes)}." if takes else "It takes none.",
            )
    known = inspect.signature(kind).parameters
    try:
        return kind(**strategy.options, **{name: value for name, value in more.items() if name in known})
    except (TypeError, ValueError) as error:
        raise Invalid(
            f"--{field} {strategy}: {error}",
            field=f"--{field}",
            value=str(strategy),
            remedy=f"Optuna's {made_of[0]} describes its parameters.",
        ) from None

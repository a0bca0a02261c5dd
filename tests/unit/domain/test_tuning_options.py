from __future__ import annotations

from typing import Any

import pytest

from jupyter_slml.domain import strategies
from jupyter_slml.domain.specs import JobSpec, TuneOptions
from jupyter_slml.domain.strategies import PRUNERS, SAMPLERS, parse_strategy
from jupyter_slml.errors import Invalid


def options(**given: Any) -> TuneOptions:
    return TuneOptions.parse({"maximize": ["auc"], **given})


def test_a_grid_has_as_many_trials_as_points() -> None:
    assert options().most == 50
    assert options(search=["a=1..3", "b=x,y"], sampler="grid").most == 6
    assert options(search=["a=1..3", "b=x,y"], sampler="grid", trials=4).most == 4


def test_a_condition_need_not_be_quoted() -> None:
    found = options(search=["b=x,y", "g=0..5", "if", "b=x"])
    assert found.search == ["b=x,y", "g=0..5 if b=x"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search": ["a=0.0..1"], "sampler": "grid"}, "continuous range"),
        ({"maximize": ["auc"], "minimize": ["auc"]}, "twice"),
        ({"maximize": ["auc"], "minimize": ["loss"], "pruner": "median"}, "one objective"),
        ({"sampler": "bayes"}, "not one of"),
        ({"pruner": "asha:min_resource"}, "KEY=VALUE"),
        ({"trials": 0}, "trials"),
        ({"time_limit": "soon"}, "duration"),
    ],
)
def test_contradictions_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        options(**given)


def test_a_job_of_kind_tuning_has_an_objective_and_sets_no_searched_parameter() -> None:
    spec = {"source": "x", "kind": "tuning"}
    with pytest.raises(Invalid, match="tuning"):
        JobSpec.parse(spec)
    with pytest.raises(Invalid, match="objective"):
        JobSpec.parse({**spec, "tuning": {"search": ["x=1..2"]}})
    with pytest.raises(Invalid, match="both searched and set"):
        JobSpec.parse({**spec, "parameters": {"x": 1}, "tuning": {"search": ["x=1..2"], "maximize": ["y"]}})


def test_every_name_is_a_class_of_optuna() -> None:
    import optuna

    assert all(hasattr(optuna.samplers, kind) for kind, _ in SAMPLERS.values())
    assert all(hasattr(optuna.pruners, kind) for kind, _ in PRUNERS.values())


def test_strategies_are_built_with_their_parameters() -> None:
    made = strategies.pruner(parse_strategy("ASHA:min_resource=5,reduction_factor=3", PRUNERS))
    assert type(made).__name__ == "SuccessiveHalvingPruner" and made._reduction_factor == 3
    assert type(strategies.sampler(parse_strategy("tpe:n_startup_trials=3", SAMPLERS), seed=1)).__name__ == "TPESampler"
    with pytest.raises(Invalid, match="no parameter 'colour'"):
        strategies.sampler(parse_strategy("tpe:colour=red", SAMPLERS))
    with pytest.raises(Invalid, match="reduction_factor"):
        strategies.pruner(parse_strategy("asha:reduction_factor=0", PRUNERS))

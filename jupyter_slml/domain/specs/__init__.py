"""What a user asks for: the one definition of every option.

The magics' arguments, help and completion, the REST schema and the panel's forms are all made from these models. A field's
`json_schema_extra` may carry `flags` (how the magic spells it) and `metavar`.
"""

from __future__ import annotations

from jupyter_slml.domain.specs.batch import BatchModel, BatchOptions, BatchSpec
from jupyter_slml.domain.specs.endpoints import (
    ConsoleSpec,
    DeployOptions,
    DeploySpec,
    ScaleSpec,
    ScalingPolicy,
    Scope,
    TakeBackSpec,
    TokenOptions,
    TokenSpec,
    TrafficSpec,
    WakeSpec,
)
from jupyter_slml.domain.specs.jobs import (
    Capture,
    Fingerprint,
    JobKind,
    JobSpec,
    Origin,
    SourceBundle,
    TrainOptions,
)
from jupyter_slml.domain.specs.models import (
    DecisionSpec,
    ImportSpec,
    MoveOptions,
    PromoteSpec,
    RegisterSpec,
    RollbackSpec,
    Stage,
)
from jupyter_slml.domain.specs.tuning import Objective, TuneOptions, TuneSpec

__all__ = [
    "BatchModel",
    "BatchOptions",
    "BatchSpec",
    "Capture",
    "ConsoleSpec",
    "DecisionSpec",
    "DeployOptions",
    "DeploySpec",
    "Fingerprint",
    "ImportSpec",
    "JobKind",
    "JobSpec",
    "MoveOptions",
    "Objective",
    "Origin",
    "PromoteSpec",
    "RegisterSpec",
    "RollbackSpec",
    "ScaleSpec",
    "ScalingPolicy",
    "Scope",
    "SourceBundle",
    "Stage",
    "TakeBackSpec",
    "TokenOptions",
    "TokenSpec",
    "TrafficSpec",
    "TrainOptions",
    "TuneOptions",
    "TuneSpec",
    "WakeSpec",
]

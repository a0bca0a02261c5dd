"""Metrics that the frameworks compute anyway, logged without a changed line.

Functions of the frameworks are wrapped, in the child of a job that asked for it and nowhere else. The wrappers are made in
the zygote: looking through all loaded classes and modules in a child would copy the memory pages of each. Logging never
breaks or noticeably slows the user's call: an exception in here is one line on stderr and the end of autolog in that job.
"""

from __future__ import annotations

import sys

from jupyter_slml.compute.autolog import boosters, estimators
from jupyter_slml.compute.autolog.recorder import Placement, Recorder, Say
from jupyter_slml.compute.autolog.samples import Sample


class Autolog:
    """Wrappers for what is loaded now; in place after `install`."""

    def __init__(self) -> None:
        self._recorder = Recorder()
        self._placements: list[Placement] = []
        for module, wrappers in (
            ("xgboost", boosters.xgboost_wrappers),
            ("lightgbm", boosters.lightgbm_wrappers),
            ("sklearn.base", estimators.sklearn_wrappers),
        ):
            if module in sys.modules:
                with self._recorder.guarded():
                    self._placements += wrappers(self._recorder)

    def sample(self, model: object) -> Sample | None:
        """Some rows that a model was fitted with, when that was seen."""
        return self._recorder.samples.of(model)

    def install(self, say: Say) -> None:
        """From now on `say(values, step)` records points. Never raises."""
        self._recorder.say = say
        with self._recorder.guarded():
            for owner, name, wrapper in self._placements:
                setattr(owner, name, wrapper)

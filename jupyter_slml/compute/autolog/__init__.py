"""Metrics that the frameworks compute anyway, logged without a changed line.

Functions of the frameworks are wrapped, in the child of a job that asked for it and nowhere else. Logging never breaks or
noticeably slows the user's call: an exception in here is one line on stderr and the end of autolog in that job.
"""

from __future__ import annotations

import sys

from jupyter_slml.compute.autolog import boosters, estimators
from jupyter_slml.compute.autolog.recorder import Recorder, Say


def install(say: Say) -> None:
    """Wrap what is loaded. `say(values, step)` records a point. Never raises."""
    recorder = Recorder(say)
    for module, wrap in (
        ("xgboost", boosters.wrap_xgboost),
        ("lightgbm", boosters.wrap_lightgbm),
        ("sklearn.base", estimators.wrap_sklearn),
    ):
        if module in sys.modules:
            with recorder.guarded():
                wrap(recorder)

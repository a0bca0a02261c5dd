"""When a search has had enough."""

from __future__ import annotations

from jupyter_slml.domain.specs.tuning import TuneOptions
from jupyter_slml.domain.trials import Trial

#: A search whose first trials all fail goes on to fail: after so many it ends, sooner when the objective is not there.
HOPELESS = 5
SILENT = 2


class Budget:
    """Trials, time, money and patience. `price` is per hour."""

    def __init__(self, options: TuneOptions, price: float) -> None:
        self._options = options
        limits = [options.time_limit, None if options.budget is None or not price else options.budget / price * 3600]
        self._seconds = min((item for item in limits if item is not None), default=None)
        self._money = self._seconds is not None and self._seconds == limits[1]
        self._stale = self._ended = self._silent = 0
        self._hope = False
        #: Running trials shall be ended, too.
        self.urgent = False

    def count(self, trial: Trial, top: Trial | None) -> None:
        """A trial has ended; `top` is the best so far."""
        if trial.state == "failed":
            self._ended += 1
            self._silent += trial.reason == "objective"
        self._hope = self._hope or trial.state in ("complete", "pruned")
        if trial.state in ("complete", "pruned"):
            self._stale = 0 if top is not None and top.number == trial.number else self._stale + 1

    def left(self, elapsed: float) -> float:
        """Seconds until the time is up."""
        return float("inf") if self._seconds is None else max(0.0, self._seconds - elapsed)

    def over(self, elapsed: float, begun: int) -> str:
        """Why no further trial shall begin; empty while one may."""
        options = self._options
        if self._seconds is not None and elapsed >= self._seconds:
            self.urgent = True
            return (
                f"the budget of {options.budget:g} is spent"
                if self._money
                else f"the time limit of {options.time_limit:g} s"
            )
        if options.patience is not None and self._stale >= options.patience:
            return f"{options.patience} trials in a row were not better"
        if not self._hope and (self._ended >= HOPELESS or self._silent >= SILENT):
            self.urgent = True
            return f"the first {self._ended} trials failed"
        if begun >= options.most:
            return f"all {options.most} trials"
        return ""

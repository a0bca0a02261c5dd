"""`slml` inside a job."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, SupportsFloat

from jupyter_slml.compute.channel import Channel
from jupyter_slml.compute.channels import Inputs
from jupyter_slml.errors import Invalid


class JobHandle:
    """What the cell sees as `slml`.

    `parameters`: the job's parameters, read-only. `checkpoint_dir`: a directory that survives attempts of this job on this
    host. `output_dir`: what the cell writes there comes back as files. `inputs`: by channel a path, or with
    `--input-mode stream` an object with `.open()` and `.list()`. `job`, `attempt`, `name`: who we are.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        job: str,
        attempt: str,
        name: str,
        parameters: dict[str, Any],
        checkpoint_dir: Path,
        output_dir: Path,
        inputs: Inputs | None = None,
    ) -> None:
        self._channel = channel
        self.job = job
        self.attempt = attempt
        self.name = name
        self.parameters = MappingProxyType(parameters)
        self.checkpoint_dir = checkpoint_dir
        self.output_dir = output_dir
        self.inputs = Inputs() if inputs is None else inputs
        self._own: set[str] = set()

    def __repr__(self) -> str:
        return f"<slml: job {self.name} ({self.job})>"

    def log(self, step: int | None = None, /, **metrics: SupportsFloat) -> None:
        """Record metrics: `slml.log(auc=0.91)`, `slml.log(epoch, loss=0.3)`. Raises Invalid for what is not a number.

        A value that is not finite (nan, inf) is left out, and said so on stderr: it must not end a long training.
        """
        if "step" in metrics and step is None:
            step = int(float(metrics.pop("step")))
        values = {}
        for name, value in metrics.items():
            number = _number(name, value)
            if math.isfinite(number):
                values[name] = number
            else:
                print(f"slml.log: {name} is {number}, not recorded", file=sys.stderr)  # noqa: T201
        if not metrics:
            raise Invalid("slml.log() needs a metric.", field="metrics", remedy="Write slml.log(auc=0.91).")
        self._own.update(values)
        if values:
            self._say(values, None if step is None else int(step))

    def record_unasked(self, values: Mapping[str, float], step: int | None) -> None:
        """Metrics that the cell did not log itself: from autolog and from metric patterns."""
        known = {name: value for name, value in values.items() if name not in self._own and math.isfinite(value)}
        if known:
            self._say(known, step)

    def _say(self, values: dict[str, float], step: int | None) -> None:
        self._channel.send({"kind": "metric", "values": values, "step": step, "at": time.time()})


def _number(name: str, value: object) -> float:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Invalid(
            f"The metric {name!r} is a {type(value).__name__}, not a number.",
            field=name,
            value=repr(value),
            remedy=f"Write slml.log({name}=float(...)).",
        ) from None
